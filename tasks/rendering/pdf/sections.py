"""Rows as people read them: neighbours of the same heading are a part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Layout, Table

ROWS_A_PIECE = 400
"""Longer parts come in pieces, so that no paper is held as a whole."""


@dataclass(frozen=True)
class Shown:
    """Which of a table's columns stand where; each with its place in a row."""

    columns: Sequence[Column]
    layout: Layout

    @cached_property
    def heading(self) -> list[tuple[int, Column]]:
        return self._named(self.layout.heading)

    @cached_property
    def footing(self) -> list[tuple[int, Column]]:
        return self._named(self.layout.footing)

    @cached_property
    def body(self) -> list[tuple[int, Column]]:
        elsewhere = {
            *self.layout.heading,
            *self.layout.footing,
            *self.layout.hidden,
        }
        return [
            (place, column)
            for place, column in enumerate(self.columns)
            if column.name not in elsewhere
        ]

    def key(self, row: Row) -> tuple[Cell, ...]:
        return tuple(row[place] for place, _column in self.heading)

    def _named(self, names: Sequence[str]) -> list[tuple[int, Column]]:
        places = {column.name: place for place, column in enumerate(self.columns)}
        # A kind may have some of them only for some parameters.
        return [
            (places[name], self.columns[places[name]])
            for name in names
            if name in places
        ]


@dataclass(frozen=True)
class Part:
    """Rows that share their heading: all of them, or a piece of a long one."""

    rows: Sequence[Row]
    is_begun: bool = False
    """Whether a piece came before."""
    is_whole: bool = True
    """Whether no piece comes after."""


def parts(table: Table, shown: Shown) -> Iterator[Part]:
    """Each part with at least one row, as the rows come."""
    rows: list[Row] = []
    is_begun = False
    for row in table.rows:
        if rows and shown.key(row) != shown.key(rows[0]):
            yield Part(rows, is_begun)
            rows, is_begun = [], False
        elif len(rows) == ROWS_A_PIECE:
            yield Part(rows, is_begun, is_whole=False)
            rows, is_begun = [], True
        rows.append(row)
    if rows:
        yield Part(rows, is_begun)
