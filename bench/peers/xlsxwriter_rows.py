"""Sheet written with XlsxWriter in `constant_memory`, with all features of our sheets."""

import sys
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import xlsxwriter
import xlsxwriter.workbook

from bench.rows import COLUMNS, rows
from bench.timing import Work

WIDTHS = {"text": 30, "integer": 9, "decimal": 9, "percent": 9, "date": 12, "boolean": 9}  # fmt: skip
HEADER = {
    "bold": True,
    "font_color": "white",
    "bg_color": "#1F4E79",
    "text_wrap": True,
    "valign": "vcenter",
    "right": 1,
    "right_color": "white",
}
FORMATS = {
    "text": {"valign": "top", "indent": 1},
    "integer": {"valign": "top"},
    "decimal": {"valign": "top", "num_format": "0.00"},
    "percent": {"valign": "top", "num_format": "0.0%"},
    "date": {"valign": "top", "num_format": "dd/mm/yyyy"},
    "boolean": {"valign": "top"},
}


def prepare(path: str, count: int, level: int | None = None) -> Work:
    """Prepare the rows; `level` is zlib's, for which XlsxWriter always uses the default, 6."""
    cells = list(rows(count))
    if level is not None:
        xlsxwriter.workbook.ZipFile = partial(ZipFile, compresslevel=level)

    def work() -> Any:
        _write(path, cells)
        return lambda: Path(path).stat().st_size

    return work


def _write(path: str, cells: list[tuple[Any, ...]]) -> None:
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet("Relatório")
    header = book.add_format(HEADER)
    formats = {name: book.add_format(form) for name, form in FORMATS.items()}
    for column, (name, kind) in enumerate(COLUMNS.items()):
        sheet.set_column(column, column, WIDTHS[kind])
        sheet.write_string(0, column, name, header)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(cells), len(COLUMNS) - 1)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.fit_to_pages(1, 0)
    sheet.ignore_errors({"number_stored_as_text": f"A1:J{len(cells) + 1}"})
    # Methods by type spare XlsxWriter the check of each cell's type.
    writers = {
        "text": sheet.write_string, "integer": sheet.write_number,
        "decimal": sheet.write_number, "date": sheet.write_datetime,
        "boolean": sheet.write_boolean,
        "percent": lambda row, column, cell, form: sheet.write_number(row, column, cell / 100, form),
    }  # fmt: skip
    column_writers = [(writers[kind], formats[kind]) for kind in COLUMNS.values()]
    for number, row in enumerate(cells, 1):
        for column, (write, form) in enumerate(column_writers):
            write(number, column, row[column], form)
    book.close()


if __name__ == "__main__":
    sys.exit("run bench.workbooks instead")
