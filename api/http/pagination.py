"""Cursor pagination of lists."""

import re
import uuid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param

from api.http.query_params import parse_flag
from tasks.errors import FieldError, InvalidRequest

_PAGE_SIZE = re.compile(r"[0-9]{1,3}")


class StrictCursorPagination(CursorPagination):
    """DRF's cursor pagination with validated parameters and relative links."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100
    cursor_query_description = "Cursor from `next` or `previous` of another page."

    def is_valid_position(self, position: str) -> bool:
        """Return whether the position can occur in the list; clients can send any cursor."""
        raise NotImplementedError

    def get_page_size(self, request: Request) -> int:
        value = request.query_params.get(self.page_size_query_param)
        if value is None:
            return self.page_size
        if not _PAGE_SIZE.fullmatch(value) or not 1 <= int(value) <= self.max_page_size:
            detail = _("Give a whole number from 1 to {maximum}.")
            raise _invalid_parameter(
                "page_size", detail.format(maximum=self.max_page_size)
            )
        return int(value)

    def decode_cursor(self, request: Request) -> Any:
        detail = _("This cursor does not belong to this list.")
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise _invalid_parameter("cursor", detail) from None
        if cursor is not None and not self._is_valid_cursor(cursor):
            raise _invalid_parameter("cursor", detail)
        return cursor

    def _is_valid_cursor(self, cursor: Any) -> bool:
        # Without a position, it is an offset among equal keys at the beginning of the list.
        if cursor.position is None:
            return bool(cursor.offset)
        return self.is_valid_position(str(cursor.position))

    def get_paginated_response(self, data: Any) -> Response:
        members = self.get_members()
        response = Response({**members, "results": data})
        if link := build_link_header(members):
            response["Link"] = link
        return response

    def get_members(self) -> dict[str, Any]:
        """Return the members of the response beside `results`."""
        return {"next": self.get_next_link(), "previous": self.get_previous_link()}

    def get_next_link(self) -> str | None:
        return _with_public_url(super().get_next_link())

    def get_previous_link(self) -> str | None:
        return _with_public_url(super().get_previous_link())

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, size = super().get_schema_operation_parameters(view)
        size["schema"] |= {
            "minimum": 1,
            "maximum": self.max_page_size,
            "default": self.page_size,
        }
        return [cursor, size]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"]}
        properties = {"next": link, "previous": link, "results": schema}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
        }


class NewestFirstPagination(StrictCursorPagination):
    """Newest rows first, with the number of all of them on request."""

    ordering = "-id"
    total_query_param = "total"
    _total: int | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        page: list[Any] | None = super().paginate_queryset(queryset, request, view)
        wants_total = parse_flag(request, self.total_query_param)
        self._total = queryset.count() if wants_total else None
        return page

    def get_members(self) -> dict[str, Any]:
        total = {} if self._total is None else {"total": self._total}
        return super().get_members() | total

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        total = {
            "name": self.total_query_param,
            "in": "query",
            "description": "`true` or `1` for the `total` of all pages.",
            "schema": {"type": "boolean", "default": False},
        }
        return [*super().get_schema_operation_parameters(view), total]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        result = super().get_paginated_response_schema(schema)
        result["properties"]["total"] = {
            "type": "integer",
            "minimum": 0,
            "description": "Number of all tasks that the filters leave, on request.",
        }
        return result

    def is_valid_position(self, position: str) -> bool:
        try:
            uuid.UUID(position)
        except ValueError:
            return False
        return True


class NamePagination(StrictCursorPagination):
    ordering = ("sort_key", "id")
    # The offset counts rows of the same name: a network has a "5º A" per school and year.
    offset_cutoff = 1_000_000

    def is_valid_position(self, position: str) -> bool:
        # Each sort key contains this separator once; names never contain it.
        return position.count("\x00") == 1

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor is None or cursor.position is None:
            return cursor
        # The key is text in the cursor and bytes in the database.
        return cursor._replace(position=cursor.position.encode())

    def _get_position_from_instance(  # type: ignore[override]  # as `decode_cursor`
        self, instance: Any, ordering: Any
    ) -> bytes:
        return bytes(instance.sort_key)


def build_link_header(members: dict[str, Any]) -> str:
    """Return the value of `Link` (RFC 8288) for the members of a page; empty without links."""
    urls = {"prev": members["previous"], "next": members["next"]}
    return ", ".join(f'<{url}>; rel="{rel}"' for rel, url in urls.items() if url)


def _invalid_parameter(parameter: str, detail: str) -> InvalidRequest:
    return InvalidRequest(FieldError(f"/{parameter}", "invalid", detail))


def _with_public_url(url: str | None) -> str | None:
    """Replace the origin with the public URL; without one, return only path and query.

    Other pages are not waited for.
    """
    if url is None:
        return None
    parts = urlsplit(remove_query_param(url, "wait"))
    return f"{settings.PUBLIC_URL}{parts.path}?{parts.query}"
