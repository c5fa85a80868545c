"""Chart data of a table, collected while its rows are streamed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from tasks.rendering.cells import label_for
from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.sections import (
    MAX_CHART_ROWS,
    MAX_CHART_SECTIONS,
    ChartRows,
    ColumnGroups,
    IndexedColumn,
)
from tasks.rendering.table import Table


@dataclass(frozen=True)
class ChartData:
    """The figures of one chart: one row per category, one column per series."""

    title: str
    """Heading of the section."""
    value_title: str
    """Titles of the columns that are drawn."""
    category_column: Column
    """Column of the categories."""
    categories: Sequence[Cell]
    series: Sequence[tuple[str, Column]]
    values: Sequence[Sequence[Cell]]


class ChartCollector:
    """Collector of the rows to be drawn from a stream; it keeps no other rows in memory."""

    def __init__(self, table: Table) -> None:
        self._title = table.title
        self._column_groups = ColumnGroups(table.columns, table.layout)
        self._value_columns = self._column_groups.chart
        self._keys = [
            (index, column)
            for index, column in self._column_groups.body
            if column.name not in table.layout.chart
        ][:2]
        self._value_title = ", ".join(
            str(column.title) for _index, column in self._value_columns
        )
        self._sections: list[list[Row]] = []
        """Rows of each section; a section that is too long has one row more than it may."""
        self._is_truncated = False

    def collect(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the same rows and remember those that will be drawn."""
        if self._value_columns and self._keys:
            for row, is_first in self._column_groups.section_starts(rows):
                self._collect_row(row, is_first=is_first)
                yield row
                if self._is_truncated:
                    break
        yield from rows

    def build_charts(self) -> list[ChartData]:
        """Build the charts; called once the rows are read."""
        return [
            self._build_chart(rows) for rows in self._sections if not _is_too_long(rows)
        ]

    def skipped_note(self) -> str:
        """Return a note about sections without a chart; empty if all are drawn."""
        notes = []
        if any(map(_is_too_long, self._sections)):
            notes.append(
                _("Sections with more than %(count)s rows have no chart.")
                % {"count": MAX_CHART_ROWS}
            )
        if self._is_truncated:
            notes.append(_("Only the first sections have charts."))
        return " ".join(notes)

    def _collect_row(self, row: Row, *, is_first: bool) -> None:
        if is_first:
            self._is_truncated = len(self._sections) == MAX_CHART_SECTIONS
            if self._is_truncated:
                return
            self._sections.append([])
        if not _is_too_long(self._sections[-1]):
            self._sections[-1].append(row)

    def _build_chart(self, rows: Sequence[Row]) -> ChartData:
        chart_rows = ChartRows(rows, self._keys, merges_distant_rows=True)
        if chart_rows.is_crosstab and chart_rows.series_column is not None:
            return self._build_crosstab(chart_rows, chart_rows.series_column)
        category_index, category_column = self._keys[0]
        return ChartData(
            self._section_title(rows[0]),
            self._value_title,
            category_column,
            [row[category_index] for row in rows],
            [(str(column.title), column) for _index, column in self._value_columns],
            [self._values(row) for row in rows],
        )

    def _build_crosstab(
        self, chart_rows: ChartRows, series_column: IndexedColumn
    ) -> ChartData:
        """Build a chart with one series per cell of the series column and drawn column."""
        series_index, column_of_series = series_column
        blank: Row = (None,) * len(self._column_groups.columns)
        series = []
        for cell in chart_rows.series_cells:
            name = _describe_cell(column_of_series, cell)
            for _index, column in self._value_columns:
                is_alone = len(self._value_columns) == 1
                series.append(
                    (name if is_alone else f"{name} · {column.title}", column)
                )
        values = []
        for _category, rows in chart_rows.groups:
            rows_by_series = {row[series_index]: row for row in rows}
            values.append(
                [
                    value
                    for cell in chart_rows.series_cells
                    for value in self._values(rows_by_series.get(cell, blank))
                ]
            )
        return ChartData(
            self._section_title(chart_rows.rows[0]),
            self._value_title,
            self._keys[0][1],
            [category for category, _rows in chart_rows.groups],
            series,
            values,
        )

    def _values(self, row: Row) -> list[Cell]:
        return [row[index] for index, _column in self._value_columns]

    def _section_title(self, row: Row) -> str:
        texts = [
            _describe_cell(column, row[index])
            for index, column in self._column_groups.heading
        ]
        return " · ".join(filter(None, texts)) or self._title


def _is_too_long(rows: Sequence[Row]) -> bool:
    return len(rows) > MAX_CHART_ROWS


def _describe_cell(column: Column, value: Cell) -> str:
    """Return the cell's text, with the column's title unless it is a text itself."""
    if value is None:
        return ""
    label = label_for(column, value)
    return label if isinstance(value, str) else f"{column.title} {label}"
