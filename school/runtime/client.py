"""A client of the service, as another program would be one: HTTP and nothing else."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from http.client import HTTPException
from typing import IO, Any

PIECE_BYTES = 64 * 1024


class ServiceError(Exception):
    """The service answered with a problem, or not at all."""


class Client:
    def __init__(self, base: str) -> None:
        self.base = base
        self.token = ""

    def is_ready(self) -> bool:
        try:
            self.ask("GET", "/readyz")
        except ServiceError:
            return False
        return True

    def log_in(self, username: str, password: str) -> None:
        answer = self.ask(
            "POST", "/auth/token", {"username": username, "password": password}
        )
        self.token = answer["access"]

    def request_report(self, body: object) -> Any:
        """Ask for a report under a key of its own: sent again, it makes no second one."""
        return self.ask("POST", "/reports", body, key=str(uuid.uuid4()))

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> Any:
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        sent = None if body is None else json.dumps(body).encode()
        answer = b"".join(self._answer(method, path, sent, headers))
        return json.loads(answer) if answer else None

    def fetch(self, path: str, file: IO[bytes]) -> None:
        """Write what is at that path into the file, a piece at a time."""
        for piece in self._answer("GET", path):
            file.write(piece)

    def _answer(
        self,
        method: str,
        path: str,
        sent: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Iterator[bytes]:
        request = urllib.request.Request(  # noqa: S310  (the base is our own)
            self.base + path, method=method, data=sent, headers=headers or {}
        )
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                while piece := answer.read(PIECE_BYTES):
                    yield piece
                if answer.length:
                    raise ConnectionError("the answer was cut short")
        except urllib.error.HTTPError as error:
            said = _rest(error)
            raise ServiceError(f"{method} {path}: {error.code} {said!r}") from None
        except (OSError, HTTPException) as error:
            raise ServiceError(f"{method} {path}: {error}") from None


def _rest(error: urllib.error.HTTPError) -> bytes:
    """What the service said of its problem, as far as that came."""
    try:
        return error.read()
    except (OSError, HTTPException):
        return b""
