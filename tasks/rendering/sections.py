"""Sections of a table, and the rows of their charts grouped into categories and series.

PDF and XLSX share these rules: neighbouring rows with the same heading form a section. In its
charts, the rows with the same first cell form a group of bars, and the second cell gives the
series. The formats only draw the result.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import groupby

from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Layout, Table

MAX_ROWS_PER_PIECE = 400
"""Rows in one piece of a section; longer sections are split to bound memory."""
MAX_BARS = 120
"""Bars of a chart on paper; charts with more are unreadable."""
MAX_GROUPS = 24
"""Groups of bars of a chart on paper."""
MAX_CHART_ROWS = 100
"""Rows of a section that is drawn in a workbook; charts with more bars are unreadable."""
MAX_CHART_SECTIONS = 40
"""Sections that are drawn in a workbook."""

IndexedColumn = tuple[int, Column]
"""A column with its index in a row."""


@dataclass(frozen=True)
class ColumnGroups:
    """A table's columns by position in a section, each with its index in a row."""

    columns: Sequence[Column]
    layout: Layout

    @cached_property
    def heading(self) -> list[IndexedColumn]:
        return self._find_columns(self.layout.heading)

    @cached_property
    def section_footer(self) -> list[IndexedColumn]:
        return self._find_columns(self.layout.section_footer)

    @cached_property
    def chart(self) -> list[IndexedColumn]:
        """Columns that are drawn, in the order of the layout."""
        return self._find_columns(self.layout.chart)

    @cached_property
    def _partial(self) -> list[IndexedColumn]:
        return self._find_columns([self.layout.partial])

    @cached_property
    def body(self) -> list[IndexedColumn]:
        other_columns = {
            *self.layout.heading,
            *self.layout.section_footer,
            *self.layout.hidden,
            self.layout.partial,
        }
        return [
            (index, column)
            for index, column in enumerate(self.columns)
            if column.name not in other_columns
        ]

    def is_partial(self, rows: Sequence[Row]) -> bool:
        """Return whether one of the rows is of an open year."""
        return any(row[index] for index, _column in self._partial for row in rows)

    def section_key(self, row: Row) -> Row:
        """Return the cells that are equal in all rows of a section."""
        return tuple(row[index] for index, _column in self.heading)

    def section_starts(self, rows: Iterable[Row]) -> Iterator[tuple[Row, bool]]:
        """Yield each row, and True if it is the first of its section."""
        current_key: Row | None = None
        for row in rows:
            key = self.section_key(row)
            is_first = key != current_key
            if is_first:
                current_key = key
            yield row, is_first

    def _find_columns(self, names: Sequence[str]) -> list[IndexedColumn]:
        indexes = {column.name: index for index, column in enumerate(self.columns)}
        # A report may have some of these columns only for some parameters.
        return [
            (indexes[name], self.columns[indexes[name]])
            for name in names
            if name in indexes
        ]


@dataclass(frozen=True)
class Section:
    """Rows with the same heading: a whole section, or a piece of a long one."""

    rows: Sequence[Row]
    is_continued: bool = False
    """True if another piece of the section precedes this one."""
    is_last_piece: bool = True
    """True if no piece of the section follows this one."""


def split_sections(table: Table, column_groups: ColumnGroups) -> Iterator[Section]:
    """Yield sections, or pieces of them, while the rows are read; none is empty."""
    rows: list[Row] = []
    is_continued = False
    for row, is_first in column_groups.section_starts(table.rows):
        if rows and is_first:
            yield Section(rows, is_continued)
            rows, is_continued = [], False
        elif len(rows) == MAX_ROWS_PER_PIECE:
            yield Section(rows, is_continued, is_last_piece=False)
            rows, is_continued = [], True
        rows.append(row)
    if rows:
        yield Section(rows, is_continued)


@dataclass(frozen=True)
class ChartRows:
    """The rows of one chart, grouped by the first key column; the second gives the series."""

    rows: Sequence[Row]
    keys: Sequence[IndexedColumn]
    """The column of the groups and, if there is one, the column of the series."""
    merges_distant_rows: bool = False
    """True if rows of the same group need not be neighbours."""

    @cached_property
    def groups(self) -> list[tuple[Cell, list[Row]]]:
        """The cell that names each group, and the group's rows."""
        index, _column = self.keys[0]
        if not self.merges_distant_rows:
            neighbours = groupby(self.rows, key=lambda row: row[index])
            return [(cell, list(rows)) for cell, rows in neighbours]
        rows_by_cell: dict[Cell, list[Row]] = {}
        for row in self.rows:
            rows_by_cell.setdefault(row[index], []).append(row)
        return list(rows_by_cell.items())

    @cached_property
    def series_column(self) -> IndexedColumn | None:
        """The column that distinguishes the bars of a group; None if there is no series."""
        if all(len(rows) == 1 for _cell, rows in self.groups) or len(self.keys) < 2:
            return None
        # Two subjects may have the same name; the second column is then a grade.
        return None if self.keys[1][1].is_measure else self.keys[1]

    @cached_property
    def series_cells(self) -> list[Cell]:
        """The distinct cells of the series, in order of first appearance."""
        if self.series_column is None:
            return []
        index, _column = self.series_column
        return list(dict.fromkeys(row[index] for row in self.rows))

    @property
    def is_crosstab(self) -> bool:
        """True if there are series and no two rows share both group and series."""
        if self.series_column is None:
            return False
        (group_index, _), (series_index, _) = self.keys[0], self.series_column
        keys = {(row[group_index], row[series_index]) for row in self.rows}
        return len(keys) == len(self.rows)


def plotted_value(cell: Cell) -> Decimal | None:
    """Return the height of a bar; None if the cell is negative or not a number."""
    is_number = isinstance(cell, Decimal | int) and not isinstance(cell, bool)
    return Decimal(cell) if is_number and cell >= 0 else None  # type: ignore[arg-type, operator]
