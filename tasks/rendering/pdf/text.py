"""Texts of cells and dates in the active language, prepared for the typesetter."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from django.utils.dateformat import format as apply_date_format
from django.utils.formats import date_format, get_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tasks.rendering.cells import label_for
from tasks.rendering.columns import Cell, Column

NO_VALUE = "–"
"""Text of an empty numeric cell, so that it does not look like a field to fill in."""
ENGLISH_DATE_FORMAT = "j M Y"
"""Date format with the month as a word, so that day and month cannot be confused."""

MIN_BREAKABLE_WORD, WORD_PIECE_LENGTH = 18, 9
"""Length of words that may be broken, and of their pieces; some names have no space."""

RTL_ISOLATE, POP_ISOLATE = "\u2067", "\u2069"
"""Marks between which the pieces of a word run from right to left."""

NO_BREAK_SPACE = "\u00a0"

TypstText = str | list[str]
"""Text for the typesetter; a line may end between the pieces of a list."""

_LONG_WORD = re.compile(rf"([^ ]{{{MIN_BREAKABLE_WORD},}})")
# Characters that PDF/UA forbids, and bidirectional controls that would affect later text.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff\ufffe]")


def to_typst(text: str) -> TypstText:
    """Replace forbidden characters, and split words that are too long for a column.

    No line ends before a percent sign.
    """
    line = strip_forbidden(text).replace(" %", f"{NO_BREAK_SPACE}%")
    if len(line) < MIN_BREAKABLE_WORD or _LONG_WORD.search(line) is None:
        return line
    return [
        piece for run in _LONG_WORD.split(line) if run for piece in _split_word(run)
    ]


def strip_forbidden(text: str) -> str:
    """Replace line breaks and characters that PDF/UA forbids with spaces."""
    return text if text.isprintable() else _FORBIDDEN.sub(" ", text)


def _split_word(run: str) -> Iterator[str]:
    """Yield a long word in pieces, and any other run unchanged."""
    if _LONG_WORD.fullmatch(run) is None:
        yield run
        return
    pieces = [
        run[start : start + WORD_PIECE_LENGTH]
        for start in range(0, len(run), WORD_PIECE_LENGTH)
    ]
    is_right_to_left = unicodedata.bidirectional(run[0]) in {"R", "AL"}
    yield from [RTL_ISOLATE, *pieces, POP_ISOLATE] if is_right_to_left else pieces


def truncate(text: str, max_length: int) -> str:
    """Truncate the text to `max_length` characters, the last of which is an ellipsis."""
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def format_cell(column: Column, cell: Cell) -> str:
    """Format a cell as text in the active language; codes are replaced with their labels."""
    if cell is None:
        return "" if column.type == "text" else NO_VALUE
    if column.labels or isinstance(cell, bool):
        return label_for(column, cell)
    if isinstance(cell, Decimal | int) and column.type != "identifier":
        # The report decides the number of decimals; none is added or removed.
        number = f"{cell:,}".translate(_separators(get_language()))
        if column.type != "percent":
            return number
        return _("{percent}%").format(percent=number).replace(" ", NO_BREAK_SPACE)
    return format_date(cell) if isinstance(cell, date) else str(cell)


@cache
def _separators(language: str | None) -> dict[int, str]:
    """Return the translation table from Python's separators to the language's."""
    return {
        ord(","): str(get_format("THOUSAND_SEPARATOR", language)),
        ord("."): str(get_format("DECIMAL_SEPARATOR", language)),
    }


def format_date(value: date) -> str:
    if (get_language() or "").startswith("en"):
        return apply_date_format(value, ENGLISH_DATE_FORMAT)
    return date_format(value, "SHORT_DATE_FORMAT")


def format_datetime(value: datetime) -> str:
    """Format the date and time to the minute, in the value's own time zone."""
    return _("%(day)s at %(time)s") % {
        "day": format_date(value),
        "time": f"{value:%H:%M}",
    }
