"""Proxy that simulates a bad mobile network: it cuts, delays and repeats requests."""

import http.client
import random
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

FAULTS = ("none", "none", "refuse", "lose answer", "cut answer", "delay", "repeat")


class FaultyProxy(socketserver.ThreadingTCPServer):
    """Forwards requests to `upstream`, with a random fault from `FAULTS` for each."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, upstream: str, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"
        self.rng = random.Random(seed)
        self.faults: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Ignore errors of disconnected clients, which the proxy causes itself."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def do_GET(self) -> None:
        fault = self.server.rng.choice(FAULTS)
        self.server.faults.append(fault)
        self.close_connection = True
        if fault == "refuse":
            return
        if fault == "delay":
            time.sleep(self.server.rng.uniform(0, 1))
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        raw = self._forward(body)
        if fault == "repeat":
            raw = self._forward(body)
        if fault == "cut answer":
            raw = raw[: self.server.rng.randrange(len(raw))]
        if fault != "lose answer":
            self.wfile.write(raw)
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    do_POST = do_DELETE = do_GET

    def _forward(self, body: bytes) -> bytes:
        connection = http.client.HTTPConnection(self.server.upstream, timeout=40)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        head = f"HTTP/1.1 {response.status} {response.reason}\r\n"
        head += "".join(
            f"{name}: {value}\r\n"
            for name, value in response.headers.items()
            if name.lower() not in {"connection", "transfer-encoding"}
        )
        return head.encode("latin-1") + b"Connection: close\r\n\r\n" + content

    def log_message(self, *_: object) -> None: ...
