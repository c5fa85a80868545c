"""CSV for Brazilian Excel: semicolons, decimal commas, dd/mm/yyyy, titles, UTF-8 with BOM.

A text that Excel would read as a number or a date, such as the registration 0000011 or the
class 3/4, begins with a tab, which a spreadsheet keeps and does not show. It stands in quotes:
some readers take a bare tab as a separator. `="0000011"` would be a formula, and LibreOffice
removes a no-break space.
"""

import codecs
import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import IO

from django.utils.translation import gettext_lazy as _

from tasks.rendering.cells import label_for, mark_text, value_labels
from tasks.rendering.columns import Cell, Column
from tasks.rendering.format import Format
from tasks.rendering.table import Table

MAX_CACHED_TEXTS = 2000
"""Formatted texts of a column that are kept: classes and subjects repeat."""
_QUOTED_CHARACTERS = re.compile('[;"\t\r\n]')


class BrazilianCsv(Format):
    label = _("CSV for spreadsheets")
    media_type = "text/csv; charset=utf-8"
    extension = "csv"
    audience = "people"
    is_default = True
    sort_order = 40
    is_compressible = True

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        titles = [_quote(mark_text(str(c.title), c)) for c in table.columns]
        file.write(codecs.BOM_UTF8 + _join_cells(titles))
        formatters = [_value_formatter(column) for column in table.columns]
        for row in table.rows:
            cells = [
                format_value(value)
                for format_value, value in zip(formatters, row, strict=True)
            ]
            file.write(_join_cells(cells))


def _join_cells(cells: Iterable[str]) -> bytes:
    return (";".join(cells) + "\r\n").encode()


def _quote(cell: str) -> str:
    """Return the cell in quotes if it needs them; unlike `csv.writer`, a tab needs them."""
    if _QUOTED_CHARACTERS.search(cell) is None:
        return cell
    return '"' + cell.replace('"', '""') + '"'


def _value_formatter(column: Column) -> Callable[[Cell], str]:
    """Return the function that formats the column's cells for a line."""
    labels = {
        value: _quote(mark_text(label, column))
        for value, label in value_labels(column).items()
    }
    unit = "%" if column.type == "percent" else ""

    @lru_cache(MAX_CACHED_TEXTS)
    def format_text(text: str) -> str:
        return _quote(mark_text(label_for(column, text), column))

    def format_value(value: Cell) -> str:
        if labels and value in labels:
            return labels[value]
        if value is None:
            return ""
        if isinstance(value, str):
            return format_text(value)
        if isinstance(value, date):
            return f"{value.day:02}/{value.month:02}/{value.year:04}"
        number = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return number.replace(".", ",") + unit

    return format_value
