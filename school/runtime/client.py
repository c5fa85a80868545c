"""HTTP client of the service; uses only its public API."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from http.client import HTTPException
from typing import IO, Any

CHUNK_SIZE = 64 * 1024


class ServiceError(Exception):
    """The service returned an error, or no complete response."""


class Client:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.token = ""
        self.language = ""
        """Value of `Accept-Language`; if empty, the service chooses the language."""

    def is_ready(self) -> bool:
        try:
            self.request("GET", "/readyz")
        except ServiceError:
            return False
        return True

    def log_in(self, username: str, password: str) -> None:
        tokens = self.request(
            "POST", "/auth/token", {"username": username, "password": password}
        )
        self.token = tokens["access"]

    def request_report(self, body: object) -> Any:
        """Request a report with a new idempotency key and return the task."""
        return self.request("POST", "/reports", body, idempotency_key=str(uuid.uuid4()))

    def request(
        self, method: str, path: str, body: object = None, idempotency_key: str = ""
    ) -> Any:
        headers = {"Content-Type": "application/json"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        data = None if body is None else json.dumps(body).encode()
        content = b"".join(self._stream_response(method, path, data, headers))
        return json.loads(content) if content else None

    def download(self, path: str, file: IO[bytes]) -> None:
        """Write the response body into the file, in chunks."""
        for chunk in self._stream_response("GET", path):
            file.write(chunk)

    def _stream_response(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Iterator[bytes]:
        request = urllib.request.Request(  # noqa: S310  (our own base URL)
            self.base_url + path, method=method, data=data, headers=headers or {}
        )
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if self.language:
            request.add_header("Accept-Language", self.language)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                while chunk := response.read(CHUNK_SIZE):
                    yield chunk
                if response.length:
                    raise ConnectionError("the response was cut short")
        except urllib.error.HTTPError as error:
            detail = _read_error_body(error)
            raise ServiceError(f"{method} {path}: {error.code} {detail!r}") from None
        except (OSError, HTTPException) as error:
            raise ServiceError(f"{method} {path}: {error}") from None


def _read_error_body(error: urllib.error.HTTPError) -> bytes:
    """Return the body of an error response; empty if it cannot be read."""
    try:
        return error.read()
    except (OSError, HTTPException):
        return b""
