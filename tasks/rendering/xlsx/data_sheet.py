"""A sheet of rows under a header that stays: written as they come, as many as a sheet holds."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from textwrap import wrap
from typing import IO

from tasks.rendering.cells import labelled, words
from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Table
from tasks.rendering.xlsx import cells, styles
from tasks.rendering.xlsx.package import MAIN, OFFICE, Listed

MOST_ROWS = 1_048_576
"""The most that a spreadsheet has in a sheet, with the header."""
MOST_BYTES = 2**31 - 2**24
"""Past two gigabytes a part of the ZIP would need a form that Excel complains of."""
PIECE = 2**18
"""So many characters are handed on at a time."""

_WIDTHS = {
    "integer": 9,
    "decimal": 9,
    "percent": 9,
    "date": 12,
    "boolean": 9,
    "text": 12,
}
_WIDEST = 60
_PROSE = 90
"""The width of texts that would take more than two lines of the widest."""
_TITLE = 12
"""So much of a title stands on one line, the rest may wrap."""
_ROOM = 3
"""For the cell's edges and the button of the filter."""
_PAPER = 100
"""So many characters can still be read on paper that is upright; twice as many across."""
_LINE = 15
"""The height of a line, in points."""
_MOST_LINES = 27
"""Of a row: a spreadsheet has none that is higher."""


class Grid:
    """How the sheets of one table look; `sample` are some of its rows, for the widths."""

    def __init__(self, table: Table, sample: Sequence[Row]) -> None:
        self._columns = table.columns
        self._letters = [cells.letters(n) for n in range(len(table.columns))]
        self._widths = [
            _width(column, [row[n] for row in sample])
            for n, column in enumerate(table.columns)
        ]
        # Long texts wrap: else they would run over the columns that follow, or past the paper.
        self._wrapped = [n for n, width in enumerate(self._widths) if width >= _WIDEST]
        self._writers = [
            cells.writer(column, styles.WRAPPED if n in self._wrapped else styles.TEXT)
            for n, column in enumerate(table.columns)
        ]
        self._is_wide = table.layout.is_wide or sum(self._widths) > _PAPER
        each = "".join(f'<c r="{letters}#"%s' for letters in self._letters)
        self._template = f'<row r="#"%s>{each}</row>'

    def write(self, part: IO[bytes], rows: Iterator[Row], listed: Listed) -> int:
        """Write a sheet, and say how many rows it took; what is left waits in `rows`."""
        selected = ' tabSelected="1"' if listed.is_first else ""
        part.write(self._beginning(selected).encode())
        written = 0
        room = MOST_BYTES
        for piece, count in self._pieces(islice(rows, MOST_ROWS - 1)):
            room -= part.write(piece)
            written += count
            if room < 0:
                break
        end = self._letters[-1]
        listed.filtered = f"$A$1:${end}${written + 1}"
        part.write(self._ending(f"A1:{end}{written + 1}").encode())
        return written

    def _pieces(self, rows: Iterable[Row]) -> Iterator[tuple[bytes, int]]:
        """The rows in XML, some at a time, and how many they are."""
        writers, template = self._writers, self._template
        lines: list[str] = []
        size = 0
        for number, row in enumerate(rows, 2):
            written = [write(cell) for write, cell in zip(writers, row, strict=True)]
            height = self._height(row)
            line = template.replace("#", str(number)) % (height, *written)
            lines.append(line)
            size += len(line)
            if size > PIECE:
                yield "".join(lines).encode(), len(lines)
                lines, size = [], 0
        yield "".join(lines).encode(), len(lines)

    def _height(self, row: Row) -> str:
        """The height of a row that needs more than a line, for programs that do not see to it."""
        lines = 1
        for n in self._wrapped:
            length = len(labelled(self._columns[n], row[n] or ""))
            lines = max(lines, -(-length // (self._widths[n] - _ROOM)))
        if lines == 1:
            return ""
        return f' ht="{_LINE * min(lines, _MOST_LINES)}" customHeight="1"'

    def _beginning(self, selected: str) -> str:
        titles = [str(column.title) for column in self._columns]
        widths = "".join(
            f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
            for n, width in enumerate(self._widths, 1)
        )
        header = "".join(
            f'<c r="{letters}1"{cells.text(title, styles.HEADER)}'
            for letters, title in zip(self._letters, titles, strict=True)
        )
        lines = max(map(_lines, titles, self._widths))
        return (
            f'<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}">'
            '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
            f'<sheetViews><sheetView{selected} workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
            '<selection pane="bottomLeft" activeCell="A2" sqref="A2"/></sheetView></sheetViews>'
            f'<sheetFormatPr defaultRowHeight="{_LINE}"/><cols>{widths}</cols><sheetData>'
            f'<row r="1" ht="{_LINE * lines + 6}" customHeight="1">{header}</row>'
        )

    def _ending(self, filled: str) -> str:
        turned = "landscape" if self._is_wide else "portrait"
        pages = -(-sum(self._widths) // (2 * _PAPER))
        return (
            f'</sheetData><autoFilter ref="{filled}"/>'
            '<pageMargins left="0.5" right="0.5" top="0.5" bottom="0.7" header="0.3" footer="0.3"/>'
            f'<pageSetup paperSize="9" orientation="{turned}" '
            f'fitToWidth="{pages}" fitToHeight="0"/>'
            "<headerFooter><oddFooter>&amp;L&amp;A&amp;R&amp;P / &amp;N</oddFooter></headerFooter>"
            f'<ignoredErrors><ignoredError sqref="{filled}" numberStoredAsText="1"/>'
            "</ignoredErrors></worksheet>"
        )


def _width(column: Column, sample: Sequence[Cell]) -> int:
    """In characters: what a cell needs as far as is known, and the longest word of the title."""
    shown = [*words(column).values(), *(labelled(column, value) for value in sample)]
    title = str(column.title)
    widest = max(map(len, [*title.split(), title[:_TITLE], *shown]), default=0)
    if widest > 2 * _WIDEST:
        return _PROSE
    return min(_WIDEST, max(_WIDTHS[column.type], widest + _ROOM))


def _lines(title: str, width: int) -> int:
    return len(wrap(title, width - _ROOM)) or 1
