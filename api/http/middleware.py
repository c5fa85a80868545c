"""Middleware: request ids, cache headers, path normalization, logging, CSP and compression."""

import re
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, cast

import structlog
from csp.middleware import CSPMiddleware
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers
from django_structlog.middlewares import RequestMiddleware
from django_structlog.signals import bind_extra_request_metadata
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from api.http.body_limits import limit_for
from api.problems.handler import problem_response
from tasks.rendering.format_registry import format_classes

TEXT_MEDIA_TYPES = re.compile(
    r"text/.+|application/(.+\+)?(json|javascript|yaml|vnd\.oai\.openapi)"
)
"""Media types of the site's own text responses; each format of reports declares its own."""
MIN_COMPRESS_BYTES = 1400
"""Minimum body size in bytes; smaller responses fit into one packet anyway."""
TASK_ID_IN_PATH = re.compile(
    r"(?<=^/tasks/)[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\b", re.I
)
SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope",
        "magnetometer", "microphone", "midi", "payment", "usb",
    )
)  # fmt: skip
"""Features of the browser that no page of the service uses."""

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def choose_request_id(meta: Mapping[str, Any]) -> str:
    """Return the client's own request id if it is safe to log, else a new one."""
    request_id: str = meta.get("HTTP_X_REQUEST_ID", "")
    if SAFE_REQUEST_ID.fullmatch(request_id):
        return request_id
    return str(uuid.uuid4())


class RequestIdMiddleware:
    """Middleware that sets the request id.

    It is the outermost middleware, so that the log lines of all others contain the id.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = choose_request_id(request.META)
        request.META["HTTP_X_REQUEST_ID"] = request_id
        response = self._get_response(request)
        response["X-Request-ID"] = request_id
        return response


class DefaultCacheHeadersMiddleware:
    """Middleware for headers that no view sets.

    JSON without `Cache-Control` becomes private. Responses without a body lose their
    entity headers, because caches would apply them to the stored response.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if re.fullmatch(r"application/(.+\+)?json", response.get("Content-Type", "")):
            response.headers.setdefault("Cache-Control", "private, no-store")
        if response.status_code in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            del response["Content-Length"], response["Content-Type"]
        return response


class PathNormalizationMiddleware:
    """Middleware that accepts a trailing slash, and task ids in capitals (as Swift sends them).

    It rewrites the path instead of redirecting, so that it works for POST too.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path != "/" and path.endswith("/") and not path.startswith("/admin/"):
            request.path_info = path.rstrip("/")
        request.path_info = TASK_ID_IN_PATH.sub(
            lambda match: match[0].lower(), request.path_info
        )
        return self._get_response(request)


class BodyLimitMiddleware:
    """Middleware that refuses a body whose declared length exceeds the limit, unread.

    A chunked body declares none; it is refused while it is read.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH")
        if (
            length
            and "HTTP_TRANSFER_ENCODING" not in request.META
            and int(length) > limit_for(request.path_info).max_bytes
        ):
            return problem_response(request, "body_too_large")
        return self._get_response(request)


class PathLogMiddleware(RequestMiddleware):
    """Middleware that logs the path without the query, which may contain a link's token."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """Bind the address that the trusted proxies report, not one that the client sends."""
        address = BaseThrottle().get_ident(cast(Request, request))
        structlog.contextvars.bind_contextvars(ip=address)


@receiver(bind_extra_request_metadata)
def drop_user_agent(log_kwargs: dict[str, object], **_: object) -> None:
    """Keep the `User-Agent` header out of the line that a level of DEBUG adds."""
    log_kwargs.pop("user_agent", None)


class HtmlPoliciesMiddleware(CSPMiddleware):
    """Middleware that adds content security and permissions policy to HTML pages only."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.get("Content-Type", "").startswith("text/html"):
            response = super().process_response(request, response)
            response["Permissions-Policy"] = PERMISSIONS_POLICY
        return response


class CompressionMiddleware(GZipMiddleware):
    """Middleware that compresses text formats, except byte ranges of files."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not _is_compressible(response):
            return response
        # Uncompressed responses need it too, so that caches store both separately.
        patch_vary_headers(response, ["Accept-Encoding"])
        is_partial = response.status_code == HTTPStatus.PARTIAL_CONTENT
        if request.method == "HEAD" or is_partial or _refuses_gzip(request):
            return response
        response = super().process_response(request, response)
        if "Content-Encoding" in response and "Accept-Ranges" in response:
            # Byte ranges refer to the uncompressed file.
            response["Accept-Ranges"] = "none"
        return response


def _is_compressible(response: HttpResponseBase) -> bool:
    media_type = response.get("Content-Type", "").partition(";")[0]
    # A stream of unknown length may be an event stream, which must not be buffered.
    size = int(response.get("Content-Length", "0"))
    if size < MIN_COMPRESS_BYTES:
        return False
    for format in format_classes().values():
        if format.bare_media_type() == media_type:
            return format.is_compressible
    return TEXT_MEDIA_TYPES.fullmatch(media_type) is not None


def _refuses_gzip(request: HttpRequest) -> bool:
    """Return whether the client refuses gzip with `gzip;q=0`, which Django ignores."""
    accept_encoding = request.headers.get("Accept-Encoding", "")
    return re.search(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)", accept_encoding) is not None
