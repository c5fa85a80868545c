"""CSV for Brazilian Excel: semicolons, decimal commas, dd/mm/yyyy, titles, UTF-8 with BOM.

A spreadsheet still reads a registration of digits as a number; `xlsx` marks it as text.
"""

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import IO

from tasks.rendering.cells import escape_formula, label_for, value_labels
from tasks.rendering.columns import Cell, Column
from tasks.rendering.format import Format
from tasks.rendering.table import Table


class BrazilianCsv(Format):
    media_type = "text/csv; charset=utf-8"
    extension = "csv"
    audience = "people"
    is_default = True
    sort_order = 40
    is_compressible = True

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        text_file = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        writer = csv.writer(text_file, delimiter=";")
        writer.writerow(escape_formula(str(column.title)) for column in table.columns)
        formatters = [_value_formatter(column) for column in table.columns]
        for row in table.rows:
            writer.writerow(
                [
                    format_value(value)
                    for format_value, value in zip(formatters, row, strict=True)
                ]
            )
        text_file.detach()  # keeps the file open: the caller closes it


def _value_formatter(column: Column) -> Callable[[Cell], str]:
    """Return the function that formats the column's cells."""
    labels = {
        value: escape_formula(label) for value, label in value_labels(column).items()
    }
    unit = "%" if column.type == "percent" else ""

    def format_value(value: Cell) -> str:
        if labels and value in labels:
            return labels[value]
        if value is None:
            return ""
        if isinstance(value, str):
            return escape_formula(label_for(column, value))
        if isinstance(value, date):
            return f"{value.day:02}/{value.month:02}/{value.year:04}"
        number = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return number.replace(".", ",") + unit

    return format_value
