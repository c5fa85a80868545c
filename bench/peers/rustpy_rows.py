"""Sheet written with rustpy-xlsxwriter, with the features of our sheets that it has.

It takes dicts and writes no `Decimal`: the rows are converted before the clock starts, which
its users could not do.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rustpy_xlsxwriter import Format, write_worksheet

from bench.peers.xlsxwriter_rows import WIDTHS
from bench.rows import COLUMNS, rows
from bench.timing import Work

NUMBER_FORMATS = {"decimal": "0.00", "percent": "0.0%", "date": "dd/mm/yyyy"}


def prepare(path: str, count: int) -> Work:
    records = list(_records(rows(count)))

    def work() -> Any:
        _write(path, records)
        return lambda: Path(path).stat().st_size

    return work


def _write(path: str, records: list[dict[str, Any]]) -> None:
    header = Format().set_bold().set_font_color("white").set_background_color("#1F4E79")
    write_worksheet(
        records,
        path,
        sheet_name="Relatório",
        freeze_row=1,
        autofilter=True,
        header_format=header.set_text_wrap().set_align("vertical_center"),
        column_widths=[float(WIDTHS[kind]) for kind in COLUMNS.values()],
        column_formats=[_cell_format(kind) for kind in COLUMNS.values()],
    )


def _records(cells: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Yield each row as a dict, with floats for decimals and fractions of 1 for percents."""
    names = list(COLUMNS)
    decimals = [n for n, kind in enumerate(COLUMNS.values()) if kind == "decimal"]
    percents = [n for n, kind in enumerate(COLUMNS.values()) if kind == "percent"]
    for row in cells:
        values = list(row)
        for n in decimals:
            values[n] = float(row[n])
        for n in percents:
            values[n] = float(row[n]) / 100
        yield dict(zip(names, values, strict=True))


def _cell_format(kind: str) -> Format:
    cell_format = Format().set_align("top")
    if kind == "text":
        return cell_format.set_indent(1)
    number_format = NUMBER_FORMATS.get(kind)
    return cell_format.set_num_format(number_format) if number_format else cell_format


if __name__ == "__main__":
    sys.exit("run bench.workbooks instead")
