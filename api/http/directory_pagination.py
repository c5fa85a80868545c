"""Cursor pagination of the lists whose order is not that of names."""

import re

from api.http.pagination import StrictCursorPagination

_YEAR = re.compile(r"[0-9]{4}")
_ORDER = re.compile(r"-?[0-9]{1,4}")


class NewestYearPagination(StrictCursorPagination):
    ordering = ("-year", "period", "id")
    # The offset counts the networks and periods of a year.
    offset_cutoff = 1_000_000

    def is_valid_position(self, position: str) -> bool:
        return _YEAR.fullmatch(position) is not None


class LevelPagination(StrictCursorPagination):
    ordering = "order"

    def is_valid_position(self, position: str) -> bool:
        return _ORDER.fullmatch(position) is not None
