"""What every request and answer of the API has, whichever view makes it."""

import re
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

import structlog
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers
from django_structlog.middlewares import RequestMiddleware
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

COMPRESSIBLE = re.compile(
    r"text/.+|application/(.+\+)?(jsonl?|javascript|yaml|vnd\.oai\.openapi)"
)
MIN_COMPRESS_BYTES = 1400
"""Bytes; what is smaller goes in one packet anyhow."""
TASK_ID_IN_PATH = re.compile(
    r"(?<=^/tasks/)[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\b", re.I
)

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestIdMiddleware:
    """Gives the request an id, the client's own if it is fit to be logged, and answers with it.

    Outermost, so that the log lines of all others carry it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = request.META.get("HTTP_X_REQUEST_ID", "")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", request_id):
            request_id = str(uuid.uuid4())
        request.META["HTTP_X_REQUEST_ID"] = request_id
        response = self._get_response(request)
        response["X-Request-ID"] = request_id
        return response


class DefaultCacheHeadersMiddleware:
    """Sees to the headers that no view thinks of.

    What does not say itself who may keep it is for its reader alone; and of a body that
    is not there nothing is said, or caches would take that for the one they have.
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
    """Lets every address be asked with a slash at its end too, POST included, and with a
    task's id in capitals, as Swift writes it."""

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


class PathLogMiddleware(RequestMiddleware):
    """Logs the path of each request and not its query, in which a link's token may stand."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """By what the trusted proxies say, and not by whatever the client claims."""
        address = BaseThrottle().get_ident(cast(Request, request))
        structlog.contextvars.bind_contextvars(ip=address)


class HtmlCspMiddleware(CSPMiddleware):
    """Says what pages may load; to what is no page it means nothing, and polls are many."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.get("Content-Type", "").startswith("text/html"):
            response = super().process_response(request, response)
        return response


class CompressionMiddleware(GZipMiddleware):
    """Compresses what gets much smaller by it: no parts of files, and no packed formats."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not _is_compressible(response):
            return response
        # Also of the answers that are as they are: caches must keep them apart.
        patch_vary_headers(response, ["Accept-Encoding"])
        is_partial = response.status_code == HTTPStatus.PARTIAL_CONTENT
        if request.method == "HEAD" or is_partial or _refuses_gzip(request):
            return response
        response = super().process_response(request, response)
        if "Content-Encoding" in response and "Accept-Ranges" in response:
            response["Accept-Ranges"] = "none"  # its bytes are not those of a 206
        return response


def _is_compressible(response: HttpResponseBase) -> bool:
    media_type = response.get("Content-Type", "").partition(";")[0]
    # A stream that does not know its length may be one of events, which must not wait.
    size = int(response.get("Content-Length", "0"))
    return size >= MIN_COMPRESS_BYTES and bool(COMPRESSIBLE.fullmatch(media_type))


def _refuses_gzip(request: HttpRequest) -> bool:
    """`gzip;q=0` means that it is not wanted, which Django does not read."""
    accept_encoding = request.headers.get("Accept-Encoding", "")
    return re.search(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)", accept_encoding) is not None
