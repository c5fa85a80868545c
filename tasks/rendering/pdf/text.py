"""What cells and dates look like to people, in the language that is active."""

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
"""Where a figure could stand: so that nobody takes the place for one to fill in."""
ENGLISH_DATE_FORMAT = "j M Y"
"""Day and month cannot be taken for one another, as they can in figures."""

MIN_BREAKABLE_WORD, WORD_PIECE_LENGTH = 18, 9
"""Characters of a word that may be broken, after so many: names without a space exist."""

RTL_ISOLATE, POP_ISOLATE = "\u2067", "\u2069"
"""Between them the pieces of a word stand one to the left of the other."""

TypstText = str | list[str]
"""As it is typeset; between the pieces of a list a line may end."""

_LONG_WORD = re.compile(rf"([^ ]{{{MIN_BREAKABLE_WORD},}})")
# What PDF/UA has no place for, and what would turn the text around that comes after it.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff\ufffe]")


def to_typst(text: str) -> TypstText:
    """What is allowed of it; in pieces where a word is too long."""
    line = strip_forbidden(text)
    if len(line) < MIN_BREAKABLE_WORD or _LONG_WORD.search(line) is None:
        return line
    return [
        piece for run in _LONG_WORD.split(line) if run for piece in _split_word(run)
    ]


def strip_forbidden(text: str) -> str:
    """In one line, and without what paper cannot have."""
    return text if text.isprintable() else _FORBIDDEN.sub(" ", text)


def _split_word(run: str) -> Iterator[str]:
    """A long word in pieces; what stands between two of them as it is."""
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
    """So many characters, the last of which says that there were more."""
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def format_cell(column: Column, cell: Cell) -> str:
    """The cell's text; a label instead of its code, or of each of several codes."""
    if cell is None:
        return "" if column.type == "text" else NO_VALUE
    if column.labels or isinstance(cell, bool):
        return label_for(column, cell)
    if isinstance(cell, Decimal | int):
        # The decimals are the report's: none is added, and none is taken away.
        number = f"{cell:,}".translate(_separators(get_language()))
        return f"{number}%" if column.type == "percent" else number
    return format_date(cell) if isinstance(cell, date) else str(cell)


@cache
def _separators(language: str | None) -> dict[int, str]:
    """What stands in that language for the two that Python writes."""
    return {
        ord(","): str(get_format("THOUSAND_SEPARATOR", language)),
        ord("."): str(get_format("DECIMAL_SEPARATOR", language)),
    }


def format_date(value: date) -> str:
    if (get_language() or "").startswith("en"):
        return apply_date_format(value, ENGLISH_DATE_FORMAT)
    return date_format(value, "SHORT_DATE_FORMAT")


def format_datetime(value: datetime) -> str:
    """To the minute; the time is the value's own zone's."""
    return _("%(day)s at %(time)s") % {
        "day": format_date(value),
        "time": f"{value:%H:%M}",
    }
