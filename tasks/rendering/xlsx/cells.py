"""Workbook cells as XML: typed, never a formula, and escaped for any text."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, partial

from tasks.rendering.cells import label_for, value_labels
from tasks.rendering.columns import Cell, Column
from tasks.rendering.xlsx import styles

MAX_TEXT_LENGTH = 32_767
"""UTF-16 code units that Excel reads in a cell at most."""
MAX_DIGITS = 15
EMPTY_CELL = "/>"
_TEXT_CACHE_SIZE = 64

_NONCHARACTERS = "\ufffe\uffff\ud800-\udfff"
_FORBIDDEN = f"\x00-\x08\x0b-\x1f{_NONCHARACTERS}"
# Matches nearly every text: short enough, no space at its ends, nothing to escape.
_SIMPLE_TEXT = re.compile(
    f'(?!\\s)[^_&<>"{_FORBIDDEN}]{{1,{MAX_TEXT_LENGTH // 2}}}(?<!\\s)'
)
# Characters that XML forbids or changes, and texts that look like our escape sequence.
_NEEDS_ESCAPE = re.compile(f'[&<>"{_FORBIDDEN}]|_(?=x[0-9A-Fa-f]{{4}}_)')
_UNREPRESENTABLE = re.compile(f"[{_NONCHARACTERS}]")
_NUMBER = re.compile(r"-?[0-9]+(\.(?P<decimals>[0-9]+))?")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_EPOCH_ORDINAL = date(1899, 12, 30).toordinal()
# Excel has no dates before 1900 and counts a nonexistent 29 February 1900.
_FIRST_DAY = date(1900, 3, 1)

CellXml = str
"""The rest of a cell's element after its reference: `<c r="A1"` + this is the cell."""
CellWriter = Callable[[Cell], CellXml]


def cell_writer(column: Column, style: int = styles.TEXT) -> CellWriter:
    """Return the function that writes the column's cells by type, and codes by label.

    `style` applies to the column's texts.
    """
    label_cells = {
        value: text_cell(label, style) for value, label in value_labels(column).items()
    }
    is_plain = column.type != "percent"
    number_cell = _decimal_cell if is_plain else _percent_cell
    # Neighbouring rows often have the same school, class and student.
    cached_text_cell = lru_cache(_TEXT_CACHE_SIZE)(partial(text_cell, style=style))
    integer_style = styles.decimal_style(0)

    def write_cell(value: Cell) -> CellXml:
        if isinstance(value, str):
            return cached_text_cell(label_for(column, value))
        if value is None:
            return EMPTY_CELL
        if isinstance(value, date):
            return date_cell(value)
        if type(value) is int and is_plain and abs(value) < 10**MAX_DIGITS:
            return f' s="{integer_style}"><v>{value}</v></c>'
        return number_cell(str(value))

    if label_cells:
        return lambda value: (
            label_cells[value] if value in label_cells else write_cell(value)
        )
    return write_cell


def text_cell(value: str, style: int = styles.TEXT) -> CellXml:
    if _SIMPLE_TEXT.fullmatch(value):
        return f' t="inlineStr" s="{style}"><is><t>{value}</t></is></c>'
    if not value:
        return EMPTY_CELL
    if len(value) > MAX_TEXT_LENGTH // 2:  # a character may take two units
        value = _truncate(value)
    space = ' xml:space="preserve"' if value.strip() != value else ""
    return f' t="inlineStr" s="{style}"><is><t{space}>{escape_xml(value)}</t></is></c>'


def escape_xml(value: str) -> str:
    """Escape a text for content and attributes.

    Characters that XML cannot represent become `_xHHHH_` (ECMA-376 Part 1, 22.9.2.19).
    """
    return _NEEDS_ESCAPE.sub(_escape, _UNREPRESENTABLE.sub("\ufffd", value))


def count_cell(value: int) -> CellXml:
    """Return an integer cell that is aligned to the left, like the texts around it."""
    return f' s="{styles.COUNT}"><v>{value}</v></c>'


def date_cell(value: date) -> CellXml:
    if value < _FIRST_DAY:
        return text_cell(value.isoformat())
    return f' s="{styles.DATE}"><v>{value.toordinal() - _EPOCH_ORDINAL}</v></c>'


def datetime_cell(value: datetime) -> CellXml:
    """Return a cell with the date and time in the value's own time zone, to the minute."""
    minutes = 60 * value.hour + value.minute
    serial = Decimal(value.toordinal() - _EPOCH_ORDINAL) + Decimal(minutes) / 1440
    return f' s="{styles.DATETIME}"><v>{serial:.10f}</v></c>'


def column_letters(index: int) -> str:
    """Return the letters of a column by its index: 0 is "A", 26 is "AA"."""
    rest, last = divmod(index, 26)
    return (column_letters(rest - 1) if rest else "") + chr(ord("A") + last)


# Cached because a report has many numbers but few distinct ones.
@lru_cache(2**14)
def _decimal_cell(digits: str) -> CellXml:
    """Return a cell that shows all decimals: rounding could lift a grade to the pass mark."""
    digits = _without_exponent(digits)
    decimals = _count_decimals(digits)
    if decimals is None:
        return text_cell(digits)
    return f' s="{styles.decimal_style(decimals)}"><v>{digits}</v></c>'


@lru_cache(2**14)
def _percent_cell(digits: str) -> CellXml:
    """Return the cell of a percentage, stored as a fraction of 1 with a percent format."""
    digits = _without_exponent(digits)
    decimals = _count_decimals(digits)
    if decimals is None:
        return text_cell(f"{digits}%")
    share = Decimal(digits).scaleb(-2)
    return f' s="{styles.percent_style(decimals)}"><v>{share:f}</v></c>'


def _without_exponent(digits: str) -> str:
    return f"{Decimal(digits):f}" if "E" in digits else digits


def _count_decimals(digits: str) -> int | None:
    """Return the number of decimals; None if a spreadsheet cannot store the number exactly."""
    match = _NUMBER.fullmatch(digits)
    if not match or len(digits.strip("-").replace(".", "")) > MAX_DIGITS:
        return None
    return len(match["decimals"] or "")


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return _ENTITIES.get(character) or f"_x{ord(character):04X}_"


def _truncate(value: str) -> str:
    units = value.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * MAX_TEXT_LENGTH:
        return value
    return units[: 2 * (MAX_TEXT_LENGTH - 1)].decode("utf-16-le", "ignore") + "…"
