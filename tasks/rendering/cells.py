"""Cell conversions shared by formats: JSON, labels and protection from formulas."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import pgettext

from tasks.rendering.columns import Cell, Column
from tasks.rendering.table import Table

_FORMULA_STARTS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
# Every space is listed, because each database defines `\s` differently.
_INVISIBLE = (
    r"\u0000-\u0020\"'\u0085\u00a0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060"
    r"\u3000\ufeff"
)
# A spreadsheet may split cells at a separator other than ours, so a formula may begin after
# any of them.
FORMULA_PATTERN = (
    rf"(^|[,;|\t\r\n])(?=[{_INVISIBLE}]*[{_FORMULA_STARTS}])|^(?='*[\t\r\n])"
)
"""Positions where `escape_formula` inserts an apostrophe; valid in Python and both databases."""
_FORMULA_HINT = re.compile(f"[{_FORMULA_STARTS}\t\r\n]")
_FORMULA = re.compile(FORMULA_PATTERN)
_MONTHS = (
    "jan(?:eiro|uary)?|fev(?:ereiro)?|feb(?:ruary)?|mar(?:[çc]o|ch)?|abr(?:il)?|apr(?:il)?"
    "|maio?|may|jun(?:ho|e)?|jul(?:ho|y)?|ago(?:sto)?|aug(?:ust)?|set(?:embro)?"
    "|sep(?:t(?:ember)?)?|out(?:ubro)?|oct(?:ober)?|nov(?:embro|ember)?|dez(?:embro)?"
    "|dec(?:ember)?"
)
# Numbers, amounts, dates, times and truth values as spreadsheets read them, and texts that
# look like them: a tab too many is harmless.
_CONVERTED = re.compile(
    r"(?is)(?=.*\d)(?:[\d\s.,:/\\()%+\-$€£¥]|(?<=\d)e(?=[+-]?\d)|\bu?r?s?(?=\$)"
    rf"|(?<=\s)[ap]m?(?=\s*$)|\bde\b|{_MONTHS})+|\s*(?:verdadeiro|falso|true|false)\s*"
)
_PLAIN_NUMBER = re.compile(r"\d+(?:,\d+)?%?")
TEXT_MARK = "\t"
"""Start of a text that a spreadsheet would otherwise read as something else."""
# JSON does not escape these, but some readers treat them as line ends.
_LINE_END = re.compile("[\x85\u2028\u2029]")


def escape_formula(text: str) -> str:
    """Insert an apostrophe wherever a spreadsheet would begin a formula (CWE-1236).

    Removing one apostrophe at each of these positions restores the text.
    """
    return _FORMULA.sub(r"\1'", text) if _FORMULA_HINT.search(text) else text


def mark_text(text: str, column: Column) -> str:
    """Return a text of the column so that a spreadsheet reads it as text, without a formula.

    A leading tab keeps a text that looks like a number, a date or a truth value. In a numeric
    column plain numbers in texts may become numbers.
    """
    escaped = escape_formula(text)
    if _CONVERTED.fullmatch(escaped) is None:
        return escaped
    is_number = column.type != "text" and _PLAIN_NUMBER.fullmatch(escaped)
    return escaped if is_number else TEXT_MARK + escaped


def value_labels(column: Column) -> dict[Cell, str]:
    """Return the labels of a column's codes and booleans, in the active language."""
    booleans = [True, False] if column.type == "boolean" else []
    return {cell: label_for(column, cell) for cell in (*booleans, *column.labels)}


def label_for(column: Column, cell: Cell) -> str:
    """Return the label of a cell.

    A cell with several codes (separated by spaces) gives their labels, separated by commas. In
    a column without labels, booleans give "Yes" or "No" and other cells their text.
    """
    if not column.labels:
        return _yes_or_no(cell) if isinstance(cell, bool) else str(cell)
    if cell in column.labels:
        return str(column.labels[cell])
    codes = str(cell).split(" ")
    return ", ".join(str(column.labels.get(code, code)) for code in codes)


def describe_column(column: Column) -> dict[str, Any]:
    """Return what a program needs to show the column to people, in the active language.

    The labels are by cell as in JSON: those of a boolean are "true" and "false".
    """
    labels = value_labels(column).items()
    return {
        "name": column.name,
        "title": str(column.title),
        "type": column.type,
        "labels": {
            str(cell).lower() if isinstance(cell, bool) else str(cell): label
            for cell, label in labels
        },
        "for": column.audience,
    }


def _yes_or_no(value: bool) -> str:
    return pgettext("a cell", "Yes") if value else pgettext("a cell", "No")


def iter_json_objects(table: Table) -> Iterator[str]:
    """Yield each row as a JSON object on one line; decimals are strings and never rounded."""
    encode = DjangoJSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    names = [column.name for column in table.columns]
    for row in table.rows:
        yield _LINE_END.sub(
            _escape_line_end, encode(dict(zip(names, row, strict=True)))
        )


def _escape_line_end(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
