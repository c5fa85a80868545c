"""CSV for programs (RFC 4180): UTF-8, commas, a header of column names, ISO dates, CRLF."""

import csv
import io
from decimal import Decimal
from typing import IO

from django.utils.translation import gettext_lazy as _

from tasks.rendering import database_csv
from tasks.rendering.cells import escape_formula
from tasks.rendering.columns import Cell
from tasks.rendering.format import Format
from tasks.rendering.table import Table


class Csv(Format):
    label = _("CSV for programs")
    media_type = "text/csv; charset=utf-8"
    extension = "csv"
    audience = "programs"
    is_default = True
    sort_order = 30
    is_compressible = True

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        text_file = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text_file)
        writer.writerow(escape_formula(column.name) for column in table.columns)
        if table.query_source is None:
            writer.writerows(map(_csv_value, row) for row in table.rows)
        text_file.detach()  # keeps the file open: the caller closes it
        if table.query_source is not None:
            with database_csv.stream_csv(
                table.query_source, table.raise_if_stopped
            ) as blocks:
                for row_count, block in blocks:
                    file.write(block)
                    table.advance(row_count)


def _csv_value(value: Cell) -> Cell:
    if isinstance(value, str):
        return escape_formula(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"  # without an exponent
    return value
