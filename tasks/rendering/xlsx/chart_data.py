"""What charts show of a table: the figures of each, gathered from the rows as they pass by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from tasks.rendering.cells import labelled
from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Table

MOST_PARTS = 40
MOST_ROWS = 100
"""Of a part; with more bars nobody sees anything."""


@dataclass
class Part:
    """Neighbouring rows of one heading."""

    heading: Row
    rows: list[Row] = field(default_factory=list)

    @property
    def is_too_long(self) -> bool:
        return len(self.rows) > MOST_ROWS


@dataclass(frozen=True)
class Block:
    """The figures of one chart: a row for each category, a column for each series."""

    title: str
    """Of whom they are."""
    drawn: str
    """What they are."""
    column: Column
    """What the categories are."""
    categories: Sequence[Cell]
    series: Sequence[tuple[str, Column]]
    figures: Sequence[Sequence[Cell]]


class Charts:
    """Gathers what is drawn from rows that pass by; holds no more than that."""

    def __init__(self, table: Table) -> None:
        layout = table.layout
        places = {column.name: n for n, column in enumerate(table.columns)}
        self._title = table.title
        self._columns = table.columns
        self._heading = [places[name] for name in layout.heading if name in places]
        self._drawn = [places[name] for name in layout.chart if name in places]
        aside = {*layout.heading, *layout.footing, *layout.hidden, *layout.chart}
        self._keys = [place for name, place in places.items() if name not in aside][:2]
        self._of = ", ".join(str(self._columns[n].title) for n in self._drawn)
        self._parts: list[Part] = []
        self._is_cut = False

    def noted(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The same rows; what is to be drawn of them is remembered."""
        if self._drawn and self._keys:
            for row in rows:
                self._note(row)
                yield row
                if self._is_cut:
                    break
        yield from rows

    def blocks(self) -> list[Block]:
        """The charts, once the rows were read."""
        return [self._block(part) for part in self._parts if not part.is_too_long]

    def not_drawn(self) -> str:
        """What there is no chart of, in words; empty where all is drawn."""
        told = []
        if any(part.is_too_long for part in self._parts):
            told.append(
                _("What has more than %(count)s rows is not drawn.")
                % {"count": MOST_ROWS}
            )
        if self._is_cut:
            told.append(_("There are more; these are the first."))
        return " ".join(told)

    def _note(self, row: Row) -> None:
        heading = tuple(row[place] for place in self._heading)
        if not self._parts or self._parts[-1].heading != heading:
            self._is_cut = len(self._parts) == MOST_PARTS
            if self._is_cut:
                return
            self._parts.append(Part(heading))
        if not self._parts[-1].is_too_long:
            self._parts[-1].rows.append(row)

    def _block(self, part: Part) -> Block:
        first, *others = self._keys
        for second in others:
            if self._columns[second].is_measure:
                continue
            by_both = {(row[first], row[second]): row for row in part.rows}
            # A table of two ways in: a series for each of the second column's cells.
            is_table = len(by_both) == len(part.rows)
            if is_table and len({category for category, _group in by_both}) < len(
                by_both
            ):
                return self._crossed(part.heading, by_both)
        return Block(
            self._called(part.heading),
            self._of,
            self._columns[first],
            [row[first] for row in part.rows],
            [(str(self._columns[n].title), self._columns[n]) for n in self._drawn],
            [[row[n] for n in self._drawn] for row in part.rows],
        )

    def _crossed(self, heading: Row, rows: Mapping[tuple[Cell, Cell], Row]) -> Block:
        first, second = (self._columns[n] for n in self._keys)
        categories = list(dict.fromkeys(category for category, _group in rows))
        groups = list(dict.fromkeys(group for _category, group in rows))
        blank: Row = (None,) * len(self._columns)
        series = []
        for group in groups:
            name = _said(second, group)
            for column in (self._columns[n] for n in self._drawn):
                is_alone = len(self._drawn) == 1
                series.append(
                    (name if is_alone else f"{name} · {column.title}", column)
                )
        figures = [
            [
                rows.get((category, group), blank)[n]
                for group in groups
                for n in self._drawn
            ]
            for category in categories
        ]
        return Block(
            self._called(heading), self._of, first, categories, series, figures
        )

    def _called(self, heading: Row) -> str:
        columns = [self._columns[n] for n in self._heading]
        said = [
            _said(column, cell) for column, cell in zip(columns, heading, strict=True)
        ]
        return " · ".join(filter(None, said)) or self._title


def _said(column: Column, value: Cell) -> str:
    """A cell where its column's title is not seen."""
    if value is None:
        return ""
    told = labelled(column, value)
    return told if isinstance(value, str) else f"{column.title} {told}"
