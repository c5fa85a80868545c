"""CORS settings: methods, headers and the validation of allowed origins."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "POST"]
REQUEST_HEADERS = [
    "accept", "accept-language", "authorization", "content-type",
    "idempotency-key", "prefer", "last-event-id",
    "if-match", "if-none-match", "if-range", "range",
    "x-request-id", "traceparent", "tracestate",
]  # fmt: skip
RESPONSE_HEADERS = [
    "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "Idempotency-Replayed", "Preference-Applied", "Link",
    "ETag", "Accept-Ranges", "Content-Range", "Content-Disposition",
    "Allow", "WWW-Authenticate", "X-Request-ID",
]  # fmt: skip


def validate_origins(setting_name: str, origins: Sequence[str]) -> list[str]:
    """Return the origins; raise `ImproperlyConfigured` for one that no browser sends."""
    for origin in origins:
        if _normalize_origin(origin) != origin:
            raise ImproperlyConfigured(
                f"{setting_name} must list origins such as https://school.example or "
                f"http://localhost:5173, not {origin!r}."
            )
    return list(origins)


def is_from_foreign_page(request: HttpRequest) -> bool:
    """Return whether a page of an origin that is not allowed sent the request.

    Browsers send `Origin` with each POST. CORS keeps the response from such a page, but a form
    needs no preflight, so the request is made all the same.
    """
    origin = request.headers.get("Origin")
    if origin is None or origin in settings.CORS_ALLOWED_ORIGINS:
        return False
    host = urlsplit(_normalize_origin(origin)).netloc
    own_hosts = {request.get_host(), urlsplit(settings.PUBLIC_URL).netloc}
    return not host or host not in own_hosts


def _normalize_origin(origin: str) -> str:
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    default_ports = {"http": 80, "https": 443}
    if not host or "*" in host or parts.scheme not in default_ports:
        return ""
    if ":" in host:
        host = f"[{host}]"
    is_default_port = port is None or port == default_ports[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if is_default_port else f":{port}")
