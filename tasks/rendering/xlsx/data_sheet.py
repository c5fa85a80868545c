"""Data sheets: rows under a frozen header, streamed up to the limits of a sheet."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from textwrap import wrap
from typing import IO

from tasks.rendering.cells import label_for, value_labels
from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Table
from tasks.rendering.xlsx import cells, styles
from tasks.rendering.xlsx.package import MAIN_NS, RELATIONSHIPS_NS, SheetInfo

MAX_ROWS = 1_048_576
"""Rows in a sheet at most, with the header."""
MAX_BYTES = 2**31 - 2**24
"""Bytes in a sheet at most: above 2 GiB its ZIP entry would need ZIP64, which Excel reports."""
CHUNK_SIZE = 2**18
"""Characters that are written at a time."""

_MIN_WIDTHS = {
    "identifier": 9,
    "integer": 9,
    "decimal": 9,
    "percent": 9,
    "date": 12,
    "boolean": 9,
    "text": 12,
}
_MAX_WIDTH = 60
_PROSE_WIDTH = 90
"""Width of columns whose texts would take more than two lines of `_MAX_WIDTH`."""
_TITLE_LINE_LENGTH = 12
"""Characters of a title that must fit on one line; the rest may wrap."""
_CELL_PADDING = 3
"""Characters for the cell's edges and the filter button."""
_PAGE_WIDTH = 100
"""Characters that are readable across a printed portrait page; landscape has twice as many."""
_LINE_HEIGHT = 15
"""Height of a line in points."""
_MAX_LINES = 27
"""Lines of a row at most: the limit of spreadsheets."""


class DataSheetWriter:
    """Writer of the data sheets of one table; `sample` (some rows) determines the widths."""

    def __init__(self, table: Table, sample: Sequence[Row]) -> None:
        self._columns = table.columns
        self._letters = [cells.column_letters(n) for n in range(len(table.columns))]
        self._widths = [
            _column_width(column, [row[n] for row in sample])
            for n, column in enumerate(table.columns)
        ]
        # Long texts wrap: otherwise they would overlap the next columns or leave the page.
        self._wrap_columns = [
            n for n, width in enumerate(self._widths) if width >= _MAX_WIDTH
        ]
        self._writers = [
            cells.cell_writer(
                column, styles.WRAPPED if n in self._wrap_columns else styles.TEXT
            )
            for n, column in enumerate(table.columns)
        ]
        self._landscape = table.layout.landscape or sum(self._widths) > _PAGE_WIDTH
        cells_xml = "".join(f'<c r="{letters}#"%s' for letters in self._letters)
        self._template = f'<row r="#"%s>{cells_xml}</row>'

    def write_sheet(self, part: IO[bytes], rows: Iterator[Row], info: SheetInfo) -> int:
        """Write one sheet and return its number of rows; `rows` keeps the rest."""
        selected_attribute = ' tabSelected="1"' if info.is_first else ""
        part.write(self._head_xml(selected_attribute).encode())
        row_count = 0
        remaining_bytes = MAX_BYTES
        for chunk, count in self._chunks(islice(rows, MAX_ROWS - 1)):
            remaining_bytes -= part.write(chunk)
            row_count += count
            if remaining_bytes < 0:
                break
        last_column = self._letters[-1]
        info.filter_range = f"$A$1:${last_column}${row_count + 1}"
        part.write(self._tail_xml(f"A1:{last_column}{row_count + 1}").encode())
        return row_count

    def _chunks(self, rows: Iterable[Row]) -> Iterator[tuple[bytes, int]]:
        """Yield chunks of the rows as XML, each with its number of rows."""
        writers, template = self._writers, self._template
        row_xmls: list[str] = []
        size = 0
        for number, row in enumerate(rows, 2):
            cell_xmls = [write(cell) for write, cell in zip(writers, row, strict=True)]
            height = self._height_attribute(row)
            row_xml = template.replace("#", str(number)) % (height, *cell_xmls)
            row_xmls.append(row_xml)
            size += len(row_xml)
            if size > CHUNK_SIZE:
                yield "".join(row_xmls).encode(), len(row_xmls)
                row_xmls, size = [], 0
        yield "".join(row_xmls).encode(), len(row_xmls)

    def _height_attribute(self, row: Row) -> str:
        """Return the height of a row with wrapped texts, for programs that do not compute it."""
        lines = 1
        for n in self._wrap_columns:
            length = len(label_for(self._columns[n], row[n] or ""))
            lines = max(lines, -(-length // (self._widths[n] - _CELL_PADDING)))
        if lines == 1:
            return ""
        return f' ht="{_LINE_HEIGHT * min(lines, _MAX_LINES)}" customHeight="1"'

    def _head_xml(self, selected_attribute: str) -> str:
        titles = [str(column.title) for column in self._columns]
        widths = "".join(
            f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
            for n, width in enumerate(self._widths, 1)
        )
        header = "".join(
            f'<c r="{letters}1"{cells.text_cell(title, styles.HEADER)}'
            for letters, title in zip(self._letters, titles, strict=True)
        )
        title_lines = max(map(_count_lines, titles, self._widths))
        return (
            f'<worksheet xmlns="{MAIN_NS}" xmlns:r="{RELATIONSHIPS_NS}">'
            '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
            f'<sheetViews><sheetView{selected_attribute} workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
            '<selection pane="bottomLeft" activeCell="A2" sqref="A2"/></sheetView></sheetViews>'
            f'<sheetFormatPr defaultRowHeight="{_LINE_HEIGHT}"/><cols>{widths}</cols><sheetData>'
            f'<row r="1" ht="{_LINE_HEIGHT * title_lines + 6}" customHeight="1">{header}</row>'
        )

    def _tail_xml(self, cell_range: str) -> str:
        orientation = "landscape" if self._landscape else "portrait"
        pages = -(-sum(self._widths) // (2 * _PAGE_WIDTH))
        return (
            f'</sheetData><autoFilter ref="{cell_range}"/>'
            '<pageMargins left="0.5" right="0.5" top="0.5" bottom="0.7" header="0.3" footer="0.3"/>'
            f'<pageSetup paperSize="9" orientation="{orientation}" '
            f'fitToWidth="{pages}" fitToHeight="0"/>'
            "<headerFooter><oddFooter>&amp;L&amp;A&amp;R&amp;P / &amp;N</oddFooter></headerFooter>"
            f'<ignoredErrors><ignoredError sqref="{cell_range}" numberStoredAsText="1"/>'
            "</ignoredErrors></worksheet>"
        )


def _column_width(column: Column, sample: Sequence[Cell]) -> int:
    """Return the width in characters: room for the sample's cells and the title's words."""
    texts = [
        *value_labels(column).values(),
        *(label_for(column, value) for value in sample),
    ]
    title = str(column.title)
    max_length = max(
        map(len, [*title.split(), title[:_TITLE_LINE_LENGTH], *texts]), default=0
    )
    if max_length > 2 * _MAX_WIDTH:
        return _PROSE_WIDTH
    return min(_MAX_WIDTH, max(_MIN_WIDTHS[column.type], max_length + _CELL_PADDING))


def _count_lines(title: str, width: int) -> int:
    return len(wrap(title, width - _CELL_PADDING)) or 1
