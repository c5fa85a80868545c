"""CSV after RFC 4180: UTF-8, commas, a header of column names, CRLF."""

import csv
import io
from typing import IO

from tasks.formats.base import Format
from tasks.tables import Cell, Table

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Csv(Format):
    media_type = "text/csv; charset=utf-8"
    extension = "csv"

    def write(self, table: Table, file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow(column.name for column in table.columns)
        writer.writerows([_cell(value) for value in row] for row in table.rows)
        text.detach()  # the file stays open: it is its owner's to close


def _cell(value: Cell) -> Cell:
    """Neutralise text that a spreadsheet would run as a formula (CWE-1236)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
