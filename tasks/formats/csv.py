"""CSV after RFC 4180, for machines: UTF-8, commas, a header of column names, ISO dates, CRLF."""

import csv
import io
from decimal import Decimal
from typing import IO

from tasks.rendering import database_csv
from tasks.rendering.cells import harmless
from tasks.rendering.columns import Cell
from tasks.rendering.format import Format
from tasks.rendering.table import Table


class Csv(Format):
    media_type = "text/csv; charset=utf-8"
    extension = "csv"

    def write(self, table: Table, file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text)
        writer.writerow(harmless(column.name) for column in table.columns)
        if table.source is None:
            writer.writerows(map(_cell, row) for row in table.rows)
        text.detach()  # the file stays open: it is its owner's to close
        if table.source is not None:
            with database_csv.lines(table.source, table.check) as blocks:
                for count, block in blocks:
                    file.write(block)
                    table.advance(count)


def _cell(value: Cell) -> Cell:
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"  # never with an exponent
    return value
