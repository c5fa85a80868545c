"""XLSX: typed cells under a frozen header, the report's charts and an "About" sheet.

The workbook is written by our own code because XlsxWriter takes five times as long.
rustpy-xlsxwriter 0.8 is as fast, but it writes the creation time into each file, accepts only
dicts and fails on a text that is too long.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import IO

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from tasks.rendering.columns import Row
from tasks.rendering.format import Format
from tasks.rendering.table import Table
from tasks.rendering.xlsx import about_sheet, chart_sheet, styles
from tasks.rendering.xlsx.chart_data import ChartCollector
from tasks.rendering.xlsx.data_sheet import DataSheetWriter
from tasks.rendering.xlsx.package import Package, SheetInfo
from tasks.rendering.xlsx.sheet_names import SheetNames

SAMPLE_ROWS = 200
"""Rows that determine the column widths."""


class Xlsx(Format):
    label = gettext_lazy("Excel spreadsheet (XLSX)")
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    extension = "xlsx"
    audience = "people"
    is_default = True
    sort_order = 50

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        sheet_names, collector = SheetNames(), ChartCollector(table)
        with Package(file, table.full_title) as package:
            row_count = _write_data_sheets(
                table, collector.collect(table.rows), package, sheet_names
            )
            if charts := collector.build_charts():
                chart_sheet.add_chart_sheet(
                    package,
                    sheet_names.unique_name(_("Charts")),
                    charts,
                    collector.skipped_note(),
                )
            with package.open_sheet(
                SheetInfo(sheet_names.unique_name(_("About")))
            ) as part:
                part.write(
                    about_sheet.build_about_sheet(
                        table, table.build_footer(), row_count
                    ).encode()
                )
            package.finish(styles.build_styles_xml(get_language()))


def _write_data_sheets(
    table: Table, rows: Iterator[Row], package: Package, sheet_names: SheetNames
) -> int:
    """Write at least one sheet, and more if the rows need it; return the number of rows."""
    sample = list(islice(rows, SAMPLE_ROWS))
    writer = DataSheetWriter(table, sample)
    rows = chain(sample, rows)
    row_count = 0
    while True:
        info = SheetInfo(
            sheet_names.unique_name(table.full_title), is_first=not row_count
        )
        with package.open_sheet(info) as part:
            row_count += writer.write_sheet(part, rows, info)
        next_row = next(rows, None)
        if next_row is None:
            return row_count
        rows = chain([next_row], rows)
