"""One HTTP call as a client sees it: what came back, if anything, and after how long."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE_SECONDS = 30
NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    status: int
    """`NO_ANSWER` when the connection was refused, cut or silent."""
    content: bytes
    at: float
    seconds: float

    @property
    def document(self) -> Any:
        return json.loads(self.content)


def call(
    url: str,
    *,
    method: str = "GET",
    token: str = "",
    body: object = None,
    key: str = "",
) -> Answer:
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if key:
        headers["Idempotency-Key"] = key
    sent = None if body is None else json.dumps(body)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)
    at = time.time()
    try:
        path = parts._replace(scheme="", netloc="").geturl()
        connection.request(method, path, sent, headers)
        answer = connection.getresponse()
        status, content = answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        status, content = NO_ANSWER, b""
    finally:
        connection.close()
    return Answer(status, content, at, time.time() - at)
