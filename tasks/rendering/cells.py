"""What formats share about cells: as JSON, as words for people, and never a formula."""

import re
from collections.abc import Iterator

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import pgettext

from tasks.rendering.columns import Cell, Column
from tasks.rendering.table import Table

_FORMULA_STARTS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
# Spaces of all kinds, one by one: what `\s` is, each database says for itself.
_INVISIBLE = (
    r"\u0000-\u0020\"'\u0085\u00a0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060"
    r"\u3000\ufeff"
)
# A cell begins wherever a spreadsheet splits, and it may split by another separator than ours.
FORMULA_PATTERN = (
    rf"(^|[,;|\t\r\n])(?=[{_INVISIBLE}]*[{_FORMULA_STARTS}])|^(?='*[\t\r\n])"
)
"""Where `harmless` puts an apostrophe, as Python and both databases understand it."""
_FORMULA_HINT = re.compile(f"[{_FORMULA_STARTS}\t\r\n]")
_FORMULA = re.compile(FORMULA_PATTERN)
# JSON leaves them as they are, and some readers take them for the end of a line.
_LINE_END = re.compile("[\x85\u2028\u2029]")


def escape_formula(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would begin a formula (CWE-1236).

    One apostrophe fewer at each such place gives the text back.
    """
    return _FORMULA.sub(r"\1'", text) if _FORMULA_HINT.search(text) else text


def value_labels(column: Column) -> dict[Cell, str]:
    """What people are shown for cells that are codes, or yes and no; in their language."""
    booleans = [True, False] if column.type == "boolean" else []
    return {cell: label_for(column, cell) for cell in (*booleans, *column.labels)}


def label_for(column: Column, cell: Cell) -> str:
    """The label of a code, or of each of several; else the word for yes or no, or the cell."""
    if not column.labels:
        return _yes_or_no(cell) if isinstance(cell, bool) else str(cell)
    if cell in column.labels:
        return str(column.labels[cell])
    codes = str(cell).split(" ")
    return ", ".join(str(column.labels.get(code, code)) for code in codes)


def _yes_or_no(value: bool) -> str:
    return pgettext("a cell", "Yes") if value else pgettext("a cell", "No")


def iter_json_objects(table: Table) -> Iterator[str]:
    """Each row as a JSON object on a line of its own; decimals are strings, never rounded."""
    encode = DjangoJSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    names = [column.name for column in table.columns]
    for row in table.rows:
        yield _LINE_END.sub(
            _escape_line_end, encode(dict(zip(names, row, strict=True)))
        )


def _escape_line_end(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
