"""A real browser that reaches this machine alone, and pages for it to show."""

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

CHROMIUM = shutil.which("chromium") or ""
NEEDS_BROWSER = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is here")
HERE = {"127.0.0.1", "localhost"}
PAGES = Path(__file__).parent.parent / "e2e" / "browser"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """The tests' output is not the place."""


@contextmanager
def browser() -> Iterator[Browser]:
    resolve = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    arguments = [f"--host-resolver-rules={resolve}"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # as root it starts in no other way
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=arguments, timeout=60_000
        )
        try:
            yield started
        finally:
            started.close()


@contextmanager
def pages_at(origin: str = "http://localhost:0") -> Iterator[str]:
    """Serve the folder of pages there; at any free port where none is named."""
    address = urlsplit(origin)
    handler = partial(QuietHandler, directory=str(PAGES))
    with ThreadingHTTPServer(("127.0.0.1", address.port or 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://{address.hostname}:{server.server_port}"
        server.shutdown()
        thread.join()


class Watched:
    """What a page asked for, and what it complained of."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda r: self.requests.append(r.url))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    @property
    def outside(self) -> list[str]:
        """The addresses of others that it asked for anything."""
        urls = [urlsplit(url) for url in self.requests]
        return [
            url.geturl()
            for url in urls
            if url.scheme not in {"data", "blob"} and url.hostname not in HERE
        ]
