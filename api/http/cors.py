"""What pages of other origins may send to us, and read of what we answer."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "POST"]
REQUEST_HEADERS = [
    "accept", "accept-language", "authorization", "content-type",
    "idempotency-key", "prefer", "last-event-id",
    "if-match", "if-none-match", "if-range", "range",
    "x-request-id", "traceparent", "tracestate",
]  # fmt: skip
RESPONSE_HEADERS = [
    "Location", "Retry-After", "Idempotency-Replayed", "Preference-Applied", "Link",
    "ETag", "Accept-Ranges", "Content-Range", "Content-Disposition",
    "Allow", "WWW-Authenticate", "X-Request-ID",
]  # fmt: skip


def origins(name: str, given: Sequence[str]) -> list[str]:
    """The origins as browsers send them; one that no browser would ever send is refused."""
    for origin in given:
        if _as_sent(origin) != origin:
            raise ImproperlyConfigured(
                f"{name} must list origins such as https://school.example or "
                f"http://localhost:5173, not {origin!r}."
            )
    return list(given)


def _as_sent(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    usual = {"http": 80, "https": 443}
    if not host or "*" in host or parts.scheme not in usual:
        return ""
    if ":" in host:
        host = f"[{host}]"
    is_usual = port is None or port == usual[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if is_usual else f":{port}")
