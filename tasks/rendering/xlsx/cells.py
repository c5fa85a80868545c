"""Cells of a workbook as XML: typed, never a formula, and safe whatever a text holds."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, partial

from tasks.rendering.cells import labelled, words
from tasks.rendering.columns import Cell, Column
from tasks.rendering.xlsx import styles

LONGEST_TEXT = 32_767
"""UTF-16 units, the most that Excel reads in a cell."""
MOST_DIGITS = 15
EMPTY = "/>"
_NEIGHBOURS = 64

_NO_CHARACTER = "\ufffe\uffff\ud800-\udfff"
_FORBIDDEN = f"\x00-\x08\x0b-\x1f{_NO_CHARACTER}"
# Nearly every text: short enough, no space at its ends, nothing to escape.
_SIMPLE = re.compile(f'(?!\\s)[^_&<>"{_FORBIDDEN}]{{1,{LONGEST_TEXT // 2}}}(?<!\\s)')
# What XML forbids or changes; and the escape itself, so that it can be told from text.
_ESCAPED = re.compile(f'[&<>"{_FORBIDDEN}]|_(?=x[0-9A-Fa-f]{{4}}_)')
_LOST = re.compile(f"[{_NO_CHARACTER}]")
_NUMBER = re.compile(r"-?[0-9]+(\.(?P<places>[0-9]+))?")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_DAY_ZERO = date(1899, 12, 30).toordinal()
# Excel has no day before 1900, and counts a 29 February of that year.
_FIRST_DAY = date(1900, 3, 1)

Tail = str
"""What follows the reference in a cell's element: `<c r="A1"` and this are the cell."""
Writer = Callable[[Cell], Tail]


def writer(column: Column, style: int = styles.TEXT) -> Writer:
    """How cells of the column are written: as what they are, codes by their labels.

    The style is that of its texts.
    """
    told = {value: text(word, style) for value, word in words(column).items()}
    is_plain = column.type != "percent"
    number = _decimal if is_plain else _percent
    # Neighbouring rows are of the same school, class and student.
    known = lru_cache(_NEIGHBOURS)(partial(text, style=style))
    integer = styles.decimal(0)

    def write(value: Cell) -> Tail:
        if isinstance(value, str):
            return known(labelled(column, value))
        if value is None:
            return EMPTY
        if isinstance(value, date):
            return day(value)
        if type(value) is int and is_plain and abs(value) < 10**MOST_DIGITS:
            return f' s="{integer}"><v>{value}</v></c>'
        return number(str(value))

    if told:
        return lambda value: told[value] if value in told else write(value)
    return write


def text(value: str, style: int = styles.TEXT) -> Tail:
    if _SIMPLE.fullmatch(value):
        return f' t="inlineStr" s="{style}"><is><t>{value}</t></is></c>'
    if not value:
        return EMPTY
    if len(value) > LONGEST_TEXT // 2:  # each may be two units
        value = _cut(value)
    space = ' xml:space="preserve"' if value.strip() != value else ""
    return f' t="inlineStr" s="{style}"><is><t{space}>{escaped(value)}</t></is></c>'


def escaped(value: str) -> str:
    """For content and attributes, with `_xHHHH_` for what XML cannot say (22.9.2.19)."""
    return _ESCAPED.sub(_escape, _LOST.sub("\ufffd", value))


def count(value: int) -> Tail:
    """A number among texts: to the left, as they are."""
    return f' s="{styles.COUNT}"><v>{value}</v></c>'


def day(value: date) -> Tail:
    if value < _FIRST_DAY:
        return text(value.isoformat())
    return f' s="{styles.DATE}"><v>{value.toordinal() - _DAY_ZERO}</v></c>'


def moment(value: datetime) -> Tail:
    """A date and the time of that day, to the minute, by the clock that the value has."""
    minutes = 60 * value.hour + value.minute
    serial = Decimal(value.toordinal() - _DAY_ZERO) + Decimal(minutes) / 1440
    return f' s="{styles.MOMENT}"><v>{serial:.10f}</v></c>'


def letters(index: int) -> str:
    """The letters of a column, the first of which is 0."""
    rest, last = divmod(index, 26)
    return (letters(rest - 1) if rest else "") + chr(ord("A") + last)


# A report has many numbers, but few different ones.
@lru_cache(2**14)
def _decimal(digits: str) -> Tail:
    """A number shown with the places it has: fewer could carry it over a mark."""
    digits = _plain(digits)
    places = _places(digits)
    if places is None:
        return text(digits)
    return f' s="{styles.decimal(places)}"><v>{digits}</v></c>'


@lru_cache(2**14)
def _percent(digits: str) -> Tail:
    """A value in percent, as the share of one that a spreadsheet shows in percent."""
    digits = _plain(digits)
    places = _places(digits)
    if places is None:
        return text(f"{digits}%")
    share = Decimal(digits).scaleb(-2)
    return f' s="{styles.percent(places)}"><v>{share:f}</v></c>'


def _plain(digits: str) -> str:
    return f"{Decimal(digits):f}" if "E" in digits else digits


def _places(digits: str) -> int | None:
    """How many places the number has; none where a spreadsheet would not keep it exactly."""
    found = _NUMBER.fullmatch(digits)
    if not found or len(digits.strip("-").replace(".", "")) > MOST_DIGITS:
        return None
    return len(found["places"] or "")


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return _ENTITIES.get(character) or f"_x{ord(character):04X}_"


def _cut(value: str) -> str:
    units = value.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * LONGEST_TEXT:
        return value
    return units[: 2 * (LONGEST_TEXT - 1)].decode("utf-16-le", "ignore") + "…"
