"""Lists page by page: each answer leads to the next and the previous one."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class ByCursor(CursorPagination):
    """The library's paging by cursor, with links as we write them."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100

    def is_position(self, position: str) -> bool:
        """Whether the list may have been left there: the cursor is the client's word."""
        raise NotImplementedError

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        position = cursor and cursor.position
        if position is not None and not self.is_position(str(position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def get_next_link(self) -> str | None:
        return _as_link(super().get_next_link())

    def get_previous_link(self) -> str | None:
        return _as_link(super().get_previous_link())

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"]}
        described = {"next": link, "previous": link, "results": schema}
        return {
            "type": "object",
            "properties": described,
            "required": list(described),
        }


class NewestFirst(ByCursor):
    ordering = "-id"

    def is_position(self, position: str) -> bool:
        try:
            uuid.UUID(position)
        except ValueError:
            return False
        return True


class ByName(ByCursor):
    ordering = ("name", "id")
    # Among equal names it counts, and a network has a "5º A" in every school and year.
    offset_cutoff = 1_000_000

    def is_position(self, position: str) -> bool:
        return "\x00" not in position  # which no database takes


def _as_link(url: str | None) -> str | None:
    """Like every link of ours: a path, after the public URL if there is one."""
    if url is None:
        return None
    parts = urlsplit(url)
    return f"{settings.PUBLIC_URL}{parts.path}?{parts.query}"
