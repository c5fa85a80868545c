"""HTTP calls that record the response and its duration."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30
NO_RESPONSE = 0


@dataclass(frozen=True)
class Response:
    status: int
    """HTTP status, or `NO_RESPONSE` if the connection was refused, cut or timed out."""
    content: bytes
    sent_at: float
    seconds: float

    @property
    def document(self) -> Any:
        return json.loads(self.content)


def send_request(
    url: str,
    *,
    method: str = "GET",
    token: str = "",
    body: object = None,
    idempotency_key: str = "",
) -> Response:
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    payload = None if body is None else json.dumps(body)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_SECONDS)
    sent_at = time.time()
    try:
        path = parts._replace(scheme="", netloc="").geturl()
        connection.request(method, path, payload, headers)
        response = connection.getresponse()
        status, content = response.status, response.read()
    except (OSError, http.client.HTTPException):
        status, content = NO_RESPONSE, b""
    finally:
        connection.close()
    return Response(status, content, sent_at, time.time() - sent_at)
