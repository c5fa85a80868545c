"""What cells and dates look like to people, in the language that is active."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from django.utils.dateformat import format as dated
from django.utils.formats import date_format, get_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tasks.rendering.cells import labelled
from tasks.rendering.columns import Cell, Column

NOTHING = "–"
"""Where a figure could stand: so that nobody takes the place for one to fill in."""
IN_ENGLISH = "j M Y"
"""Day and month cannot be taken for one another, as they can in figures."""

LONG, PIECE = 18, 9
"""Characters of a word that may be broken, after so many: names without a space exist."""

LEFTWARD, END_OF_LEFTWARD = "\u2067", "\u2069"
"""Between them the pieces of a word stand one to the left of the other."""

Text = str | list[str]
"""As it is typeset; between the pieces of a list a line may end."""

_LONG_WORD = re.compile(rf"([^ ]{{{LONG},}})")
# What PDF/UA has no place for, and what would turn the text around that comes after it.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff\ufffe]")


def typed(text: str) -> Text:
    """What is allowed of it; in pieces where a word is too long."""
    line = allowed(text)
    if len(line) < LONG or _LONG_WORD.search(line) is None:
        return line
    return [piece for run in _LONG_WORD.split(line) if run for piece in _pieces(run)]


def allowed(text: str) -> str:
    """In one line, and without what paper cannot have."""
    return text if text.isprintable() else _FORBIDDEN.sub(" ", text)


def _pieces(run: str) -> Iterator[str]:
    """A long word in pieces; what stands between two of them as it is."""
    if _LONG_WORD.fullmatch(run) is None:
        yield run
        return
    pieces = [run[start : start + PIECE] for start in range(0, len(run), PIECE)]
    is_leftward = unicodedata.bidirectional(run[0]) in {"R", "AL"}
    yield from [LEFTWARD, *pieces, END_OF_LEFTWARD] if is_leftward else pieces


def cut(text: str, most: int) -> str:
    """So many characters, the last of which says that there were more."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def said(column: Column, cell: Cell) -> str:
    """The cell's text; a label instead of its code, or of each of several codes."""
    if cell is None:
        return "" if column.type == "text" else NOTHING
    if column.labels or isinstance(cell, bool):
        return labelled(column, cell)
    if isinstance(cell, Decimal | int):
        # The decimals are the report's: none is added, and none is taken away.
        number = f"{cell:,}".translate(_separators(get_language()))
        return f"{number}%" if column.type == "percent" else number
    return day(cell) if isinstance(cell, date) else str(cell)


@cache
def _separators(language: str | None) -> dict[int, str]:
    """What stands in that language for the two that Python writes."""
    return {
        ord(","): str(get_format("THOUSAND_SEPARATOR", language)),
        ord("."): str(get_format("DECIMAL_SEPARATOR", language)),
    }


def day(value: date) -> str:
    if (get_language() or "").startswith("en"):
        return dated(value, IN_ENGLISH)
    return date_format(value, "SHORT_DATE_FORMAT")


def moment(value: datetime) -> str:
    """To the minute; the time is the value's own zone's."""
    return _("%(day)s at %(time)s") % {"day": day(value), "time": f"{value:%H:%M}"}
