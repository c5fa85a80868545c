"""CSV as a Brazilian Excel opens it: semicolons, decimal commas, dd/mm/yyyy, titles, UTF-8 with BOM.

A spreadsheet reads a registration of digits as a number all the same; `xlsx` says which are text.
"""

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import IO

from tasks.rendering.cells import harmless, labelled, words
from tasks.rendering.columns import Cell, Column
from tasks.rendering.format import Format
from tasks.rendering.table import Table


class BrazilianCsv(Format):
    media_type = "text/csv; charset=utf-8"
    extension = "csv"

    def write(self, table: Table, file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        writer = csv.writer(text, delimiter=";")
        writer.writerow(harmless(str(column.title)) for column in table.columns)
        tellers = [_teller(column) for column in table.columns]
        for row in table.rows:
            writer.writerow(
                [tell(value) for tell, value in zip(tellers, row, strict=True)]
            )
        text.detach()  # the file stays open: it is its owner's to close


def _teller(column: Column) -> Callable[[Cell], str]:
    """How cells of the column are told."""
    told = {value: harmless(word) for value, word in words(column).items()}
    unit = "%" if column.type == "percent" else ""

    def tell(value: Cell) -> str:
        if told and value in told:
            return told[value]
        if value is None:
            return ""
        if isinstance(value, str):
            return harmless(labelled(column, value))
        if isinstance(value, date):
            return f"{value.day:02}/{value.month:02}/{value.year:04}"
        number = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return number.replace(".", ",") + unit

    return tell
