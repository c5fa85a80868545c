"""A client of the service, as another program would be one: HTTP and nothing else."""

import json
import urllib.error
import urllib.request
import uuid
from typing import Any


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
        request = urllib.request.Request(  # noqa: S310  (the base is our own)
            self.base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if key:
            request.add_header("Idempotency-Key", key)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return None if answer.status == 204 else json.load(answer)
        except urllib.error.HTTPError as error:
            raise ServiceError(
                f"{method} {path}: {error.code} {error.read()!r}"
            ) from None
        except OSError as error:
            raise ServiceError(f"{method} {path}: {error}") from None
