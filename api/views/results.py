"""Views of `/tasks/<id>/result`: the file in full or in part, and a signed link to it."""

import re
import unicodedata
import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import (
    content_disposition_header,
    http_date,
    parse_etags,
    quote_etag,
)
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.auth import signed_links
from api.auth.signed_links import LinkAuthentication, LinkClaims
from api.http import byte_ranges, query_params
from api.http.negotiation import IgnoreAccept
from api.openapi.operations import operation
from api.problems import pages
from api.problems.registry import Problem
from api.serializers import requests, tasks
from api.views.tasks import TaskListing
from school.db import connections
from school.models import User
from tasks.errors import ResultExpired, ResultUnavailable
from tasks.reporting import registry
from tasks.status import document as task_document
from tasks.status import downloads

ROWS_SCHEMA = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}
FILE_SCHEMAS = {
    format.bare_media_type(): ROWS_SCHEMA
    if format.has_row_schema
    else OpenApiTypes.BINARY
    for format in registry.format_classes().values()
}

CONDITIONAL_HEADERS = [
    OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=description
    )
    for name, description in {
        "Range": "`bytes=0-499`, `bytes=500-` or `bytes=-500`; anything else returns the whole file.",
        "If-Range": "`ETag` of the part you have; if the file has another, the whole file is returned.",
        "If-None-Match": "`ETag` of your copy; 304 if the file is unchanged.",
        "If-Match": "Expected `ETag`; 412 if the file has another.",
    }.items()
]


INLINE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""Policy of a PDF that a browser shows: it loads nothing, and stands in no other page."""
INLINE = OpenApiParameter(
    "inline",
    {"type": "boolean", "default": False},
    OpenApiParameter.QUERY,
    description="`true` or `1` shows a PDF in the browser instead of saving it; append "
    "it to a link as `&inline=1`. All other files are saved in any case.",
)


class ResultFile(FileResponse):
    """File response in 64 KiB blocks, so that few reads are needed."""

    block_size = 64 * 1024

    def set_headers(self, filelike: Any) -> None:
        """Keep the given headers; Django would guess the content type from the name."""


_BASIC_FILE_HEADERS = ["Content-Length", "Content-Disposition", "Accept-Ranges", "ETag"]
_FILE_HEADERS = [
    *_BASIC_FILE_HEADERS,
    "Last-Modified",
    "Cache-Control",
    "Referrer-Policy",
]


class TaskResult(APIView):
    content_negotiation_class = IgnoreAccept

    def get_authenticators(self) -> list[Any]:
        return [LinkAuthentication(), *super().get_authenticators()]

    def handle_exception(self, exc: Exception) -> Any:
        response: Any = super().handle_exception(exc)
        if pages.prefers_page(self.request._request):
            return pages.render_page(response.data, response.headers)
        pages.vary_by_accept(response)
        return response

    @operation(
        "get_result",
        "Download the result",
        tag="tasks",
        responses={
            **{(200, name): schema for name, schema in FILE_SCHEMAS.items()},
            **{(206, name): OpenApiTypes.BINARY for name in FILE_SCHEMAS},
            304: OpenApiResponse(description="Your copy is up to date."),
        },
        headers={
            200: [*_FILE_HEADERS, "Content-Encoding", "Vary"],
            206: [*_FILE_HEADERS, "Content-Range", "Vary"],
            304: ["ETag", "Last-Modified", "Cache-Control"],
            409: ["Retry-After"],
            416: ["Content-Range"],
        },
        parameters=[INLINE, *CONDITIONAL_HEADERS],
        problems=[401, 403, 404, 409, 410, 412, 416, 503],
    )
    def get(self, request: Request, task_id: uuid.UUID) -> HttpResponseBase:
        """`Range` resumes an interrupted download, and `HEAD` returns only the headers. A
        compressed response has no byte ranges: send `Range`, or
        `Accept-Encoding: identity`. A browser that opens the address (`Accept: text/html`) gets
        a small page in place of a problem document."""
        viewer = cast(User, request.user)
        inline = query_params.parse_flag(request, INLINE.name)
        result = _find(task_id, viewer)
        if (
            isinstance(request.auth, LinkClaims)
            and request.auth.sha256 != result.sha256
        ):
            raise ResultExpired
        headers = _headers(result, inline=inline)
        full_response = HttpResponse(headers=headers)
        conditional_response = get_conditional_response(
            request, headers["ETag"], int(result.finished_at.timestamp()), full_response
        )
        if (
            conditional_response is None
            or conditional_response.status_code == HTTPStatus.PRECONDITION_FAILED
        ):
            raise Problem("precondition_failed")
        if conditional_response is not full_response or request.method == "HEAD":
            return conditional_response
        byte_range = _parse_requested_range(request, result)
        status = HTTPStatus.OK
        if byte_range is None:
            byte_range = byte_ranges.ByteRange(0, result.bytes, result.bytes)
        else:
            status = HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = byte_range.content_range
            headers["Content-Length"] = str(byte_range.length)
        file = downloads.open_result(result, viewer)
        connections.return_to_pool()  # otherwise a slow download holds it until its end
        return ResultFile(
            byte_ranges.FileSlice(file, byte_range), status=status, headers=headers
        )


class TaskResultLink(APIView):
    @operation(
        "create_result_link",
        "Create a link to the result",
        tag="tasks",
        body=requests.ResultLinkSerializer,
        responses={200: tasks.ResultLink},
        headers={200: ["Cache-Control"], 409: ["Retry-After"]},
        problems=[401, 404, 408, 409, 410, 415, 503],
    )
    def post(self, request: Request, task_id: uuid.UUID) -> Response:
        """Creates a link for clients that cannot send headers, such as a phone's download
        manager. It is valid for minutes, and longer for a large file, or for the time that
        `expires_in` asks for: at most a day, at most as long as the file is kept, and only
        while you may see the report."""
        body = requests.ResultLinkSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        seconds = body.validated_data.get("expires_in")
        lifetime = None if seconds is None else timedelta(seconds=seconds)
        viewer = cast(User, request.user)
        link = signed_links.create_link(_find(task_id, viewer), viewer, lifetime)
        return Response(
            {
                "url": link.url,
                "expires_at": task_document.format_rfc3339(link.expires_at),
                "expires_in": link.expires_in,
            },
            headers={"Cache-Control": "private, no-store"},
        )


def _find(task_id: uuid.UUID, viewer: User) -> downloads.Result:
    try:
        return downloads.find_result(task_id, viewer)
    except ResultUnavailable as error:
        retry_after = None if error.task.is_final else 1
        task_document = TaskListing(error.task).data
        raise Problem(
            "no_result", retry_after=retry_after, task=task_document
        ) from None


def _headers(result: downloads.Result, *, inline: bool) -> dict[str, str]:
    format = registry.format_classes()[result.task.format]
    inline_headers = {}
    is_inline = inline and format.is_inline_safe
    if is_inline:
        inline_headers["Content-Security-Policy"] = INLINE_POLICY
    return {
        "Content-Type": result.media_type,
        "Content-Length": str(result.bytes),
        "Content-Disposition": _content_disposition(
            result.filename, as_attachment=not is_inline
        ),
        "Accept-Ranges": "bytes",
        "ETag": quote_etag(result.sha256),
        "Last-Modified": http_date(result.finished_at.timestamp()),
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
        **inline_headers,
    }


def _content_disposition(filename: str, *, as_attachment: bool) -> str:
    """Return the header with the name twice: curl and download managers read only ASCII."""
    plain_name = unicodedata.normalize("NFKD", filename.replace("–", "-"))
    ascii_name = plain_name.encode("ascii", "ignore").decode()
    # The names have none, but the decomposition of some characters has.
    ascii_name = re.sub(r"[/\\]", " ", ascii_name)
    header = content_disposition_header(as_attachment, ascii_name) or "inline"
    return f"{header}; filename*=UTF-8''{quote(filename, safe='')}"


def _parse_requested_range(
    request: Request, result: downloads.Result
) -> byte_ranges.ByteRange | None:
    """Return the requested range; None (the whole file) if `If-Range` names another file."""
    if_range = request.headers.get("If-Range")
    if if_range is not None and parse_etags(if_range) != [quote_etag(result.sha256)]:
        return None
    try:
        return byte_ranges.parse_range(request.headers.get("Range", ""), result.bytes)
    except byte_ranges.RangeNotSatisfiable:
        headers = {"Content-Range": f"bytes */{result.bytes}"}
        raise Problem("range_not_satisfiable", headers=headers) from None
