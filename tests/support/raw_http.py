"""Raw HTTP connections that send requests piece by piece."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

BLOCK = b"x" * 65536


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def code(self) -> str:
        """Code of the problem."""
        return str(json.loads(self.content)["code"])


def connect(base_url: str) -> socket.socket:
    host, _, port = base_url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def head_of(method: str, path: str, **headers: object) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def read_answer(connection: socket.socket, method: str = "POST") -> Answer:
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return Answer(response.status, dict(response.headers), response.read())


@contextmanager
def exchange(base_url: str, raw: bytes) -> Iterator[socket.socket]:
    """Open a connection on which the bytes were sent."""
    with connect(base_url) as connection:
        connection.sendall(raw)
        yield connection


def send_without_pause(connection: socket.socket, block: bytes, seconds: float) -> int:
    """Send the block again and again until the server closes; return the bytes it took."""
    sent = 0
    deadline = time.monotonic() + seconds
    connection.settimeout(1)
    while time.monotonic() < deadline:
        try:
            sent += connection.send(block)
        except OSError:  # closed, or the server reads no more
            return sent
    return sent


def is_closed(connection: socket.socket, seconds: float) -> bool:
    """Return whether the server closes the connection within the time."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def to_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def json_body(body: Any) -> bytes:
    return json.dumps(body).encode()
