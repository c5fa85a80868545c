"""Rows as people read them: neighbours of the same heading are a part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Layout, Table

MAX_ROWS_PER_PIECE = 400
"""Longer parts come in pieces, so that no paper is held as a whole."""


@dataclass(frozen=True)
class ColumnGroups:
    """Which of a table's columns stand where; each with its place in a row."""

    columns: Sequence[Column]
    layout: Layout

    @cached_property
    def heading(self) -> list[tuple[int, Column]]:
        return self._find_columns(self.layout.heading)

    @cached_property
    def section_footer(self) -> list[tuple[int, Column]]:
        return self._find_columns(self.layout.section_footer)

    @cached_property
    def body(self) -> list[tuple[int, Column]]:
        other_columns = {
            *self.layout.heading,
            *self.layout.section_footer,
            *self.layout.hidden,
        }
        return [
            (index, column)
            for index, column in enumerate(self.columns)
            if column.name not in other_columns
        ]

    def section_key(self, row: Row) -> tuple[Cell, ...]:
        return tuple(row[index] for index, _column in self.heading)

    def _find_columns(self, names: Sequence[str]) -> list[tuple[int, Column]]:
        indexes = {column.name: index for index, column in enumerate(self.columns)}
        # A kind may have some of them only for some parameters.
        return [
            (indexes[name], self.columns[indexes[name]])
            for name in names
            if name in indexes
        ]


@dataclass(frozen=True)
class Section:
    """Rows that share their heading: all of them, or a piece of a long one."""

    rows: Sequence[Row]
    is_continued: bool = False
    """Whether a piece came before."""
    is_last_piece: bool = True
    """Whether no piece comes after."""


def split_sections(table: Table, column_groups: ColumnGroups) -> Iterator[Section]:
    """Each part with at least one row, as the rows come."""
    rows: list[Row] = []
    is_continued = False
    for row in table.rows:
        if rows and column_groups.section_key(row) != column_groups.section_key(
            rows[0]
        ):
            yield Section(rows, is_continued)
            rows, is_continued = [], False
        elif len(rows) == MAX_ROWS_PER_PIECE:
            yield Section(rows, is_continued, is_last_piece=False)
            rows, is_continued = [], True
        rows.append(row)
    if rows:
        yield Section(rows, is_continued)
