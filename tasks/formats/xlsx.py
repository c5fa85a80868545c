"""XLSX: typed cells under a header that stays, the charts the report asks for, and what it is about.

Written by our own: XlsxWriter takes five times as long. rustpy-xlsxwriter 0.8 is as fast, but
writes the time of making into each file, takes dicts alone, and fails on a text that is too long.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import IO

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tasks.rendering.columns import Row
from tasks.rendering.format import Format
from tasks.rendering.table import Table
from tasks.rendering.xlsx import about_sheet, chart_sheet, styles
from tasks.rendering.xlsx.chart_data import Charts
from tasks.rendering.xlsx.data_sheet import Grid
from tasks.rendering.xlsx.package import Listed, Package
from tasks.rendering.xlsx.sheet_names import Names

SAMPLE = 200
"""Rows that are looked at for the widths of the columns."""


class Xlsx(Format):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    extension = "xlsx"

    def write(self, table: Table, file: IO[bytes]) -> None:
        names, drawn = Names(), Charts(table)
        with Package(file, table.title) as package:
            count = _write_rows(table, drawn.noted(table.rows), package, names)
            if blocks := drawn.blocks():
                chart_sheet.add(
                    package, names.name(_("Charts")), blocks, drawn.not_drawn()
                )
            with package.sheet(Listed(names.name(_("About")))) as part:
                part.write(about_sheet.sheet(table, table.close(), count).encode())
            package.finish(styles.part(get_language()))


def _write_rows(
    table: Table, rows: Iterator[Row], package: Package, names: Names
) -> int:
    """As many sheets as it takes, and at least one; says how many rows they hold."""
    sample = list(islice(rows, SAMPLE))
    grid = Grid(table, sample)
    rows = chain(sample, rows)
    count = 0
    while True:
        listed = Listed(names.name(table.title), is_first=not count)
        with package.sheet(listed) as part:
            count += grid.write(part, rows, listed)
        following = next(rows, None)
        if following is None:
            return count
        rows = chain([following], rows)
