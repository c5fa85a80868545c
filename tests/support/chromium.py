"""Chromium without access to other hosts, and a server for the test pages."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

CHROMIUM_PATH = shutil.which("chromium") or ""
REQUIRES_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM_PATH, reason="Chromium is not installed"
)
LOCAL_HOSTS = {"127.0.0.1", "localhost"}
PAGES_DIR = Path(__file__).parent.parent / "e2e" / "browser"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Suppress the request log in the test output."""


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    resolver_rules = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    arguments = [f"--host-resolver-rules={resolver_rules}"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to start as root with it
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM_PATH, args=arguments, timeout=60_000
        )
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def serve_pages(origin: str = "http://localhost:0") -> Iterator[str]:
    """Serve the test pages at the origin; port 0 chooses a free port."""
    address = urlsplit(origin)
    handler = partial(QuietHandler, directory=str(PAGES_DIR))
    with ThreadingHTTPServer(("127.0.0.1", address.port or 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://{address.hostname}:{server.server_port}"
        server.shutdown()
        thread.join()


class PageMonitor:
    """Recorder of the requests and errors of a page."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    @property
    def foreign_requests(self) -> list[str]:
        """Requested URLs of other hosts."""
        urls = [urlsplit(url) for url in self.requests]
        return [
            url.geturl()
            for url in urls
            if url.scheme not in {"data", "blob"} and url.hostname not in LOCAL_HOSTS
        ]
