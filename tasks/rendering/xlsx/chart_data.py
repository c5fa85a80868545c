"""What charts show of a table: the figures of each, gathered from the rows as they pass by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from tasks.rendering.cells import label_for
from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Table

MAX_SECTIONS = 40
MAX_ROWS_PER_CHART = 100
"""Of a part; with more bars nobody sees anything."""


@dataclass
class ChartSection:
    """Neighbouring rows of one heading."""

    heading: Row
    rows: list[Row] = field(default_factory=list)

    @property
    def is_too_long(self) -> bool:
        return len(self.rows) > MAX_ROWS_PER_CHART


@dataclass(frozen=True)
class ChartData:
    """The figures of one chart: a row for each category, a column for each series."""

    title: str
    """Of whom they are."""
    value_title: str
    """What they are."""
    category_column: Column
    """What the categories are."""
    categories: Sequence[Cell]
    series: Sequence[tuple[str, Column]]
    values: Sequence[Sequence[Cell]]


class ChartCollector:
    """Gathers what is drawn from rows that pass by; holds no more than that."""

    def __init__(self, table: Table) -> None:
        layout = table.layout
        indexes = {column.name: n for n, column in enumerate(table.columns)}
        self._title = table.title
        self._columns = table.columns
        self._heading_columns = [
            indexes[name] for name in layout.heading if name in indexes
        ]
        self._value_columns = [
            indexes[name] for name in layout.chart if name in indexes
        ]
        other_columns = {
            *layout.heading,
            *layout.section_footer,
            *layout.hidden,
            *layout.chart,
        }
        self._key_columns = [
            index for name, index in indexes.items() if name not in other_columns
        ][:2]
        self._value_title = ", ".join(
            str(self._columns[n].title) for n in self._value_columns
        )
        self._sections: list[ChartSection] = []
        self._is_truncated = False

    def collect(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The same rows; what is to be drawn of them is remembered."""
        if self._value_columns and self._key_columns:
            for row in rows:
                self._collect_row(row)
                yield row
                if self._is_truncated:
                    break
        yield from rows

    def build_charts(self) -> list[ChartData]:
        """The charts, once the rows were read."""
        return [
            self._build_chart(part) for part in self._sections if not part.is_too_long
        ]

    def skipped_note(self) -> str:
        """What there is no chart of, in words; empty where all is drawn."""
        notes = []
        if any(part.is_too_long for part in self._sections):
            notes.append(
                _("What has more than %(count)s rows is not drawn.")
                % {"count": MAX_ROWS_PER_CHART}
            )
        if self._is_truncated:
            notes.append(_("There are more; these are the first."))
        return " ".join(notes)

    def _collect_row(self, row: Row) -> None:
        heading = tuple(row[index] for index in self._heading_columns)
        if not self._sections or self._sections[-1].heading != heading:
            self._is_truncated = len(self._sections) == MAX_SECTIONS
            if self._is_truncated:
                return
            self._sections.append(ChartSection(heading))
        if not self._sections[-1].is_too_long:
            self._sections[-1].rows.append(row)

    def _build_chart(self, section: ChartSection) -> ChartData:
        first, *others = self._key_columns
        for second in others:
            if self._columns[second].is_measure:
                continue
            rows_by_keys = {(row[first], row[second]): row for row in section.rows}
            # A table of two ways in: a series for each of the second column's cells.
            is_crosstab = len(rows_by_keys) == len(section.rows)
            if is_crosstab and len(
                {category for category, _group in rows_by_keys}
            ) < len(rows_by_keys):
                return self._build_crosstab(section.heading, rows_by_keys)
        return ChartData(
            self._section_title(section.heading),
            self._value_title,
            self._columns[first],
            [row[first] for row in section.rows],
            [
                (str(self._columns[n].title), self._columns[n])
                for n in self._value_columns
            ],
            [[row[n] for n in self._value_columns] for row in section.rows],
        )

    def _build_crosstab(
        self, heading: Row, rows: Mapping[tuple[Cell, Cell], Row]
    ) -> ChartData:
        first, second = (self._columns[n] for n in self._key_columns)
        categories = list(dict.fromkeys(category for category, _group in rows))
        groups = list(dict.fromkeys(group for _category, group in rows))
        blank: Row = (None,) * len(self._columns)
        series = []
        for group in groups:
            name = _describe_cell(second, group)
            for column in (self._columns[n] for n in self._value_columns):
                is_alone = len(self._value_columns) == 1
                series.append(
                    (name if is_alone else f"{name} · {column.title}", column)
                )
        values = [
            [
                rows.get((category, group), blank)[n]
                for group in groups
                for n in self._value_columns
            ]
            for category in categories
        ]
        return ChartData(
            self._section_title(heading),
            self._value_title,
            first,
            categories,
            series,
            values,
        )

    def _section_title(self, heading: Row) -> str:
        columns = [self._columns[n] for n in self._heading_columns]
        texts = [
            _describe_cell(column, cell)
            for column, cell in zip(columns, heading, strict=True)
        ]
        return " · ".join(filter(None, texts)) or self._title


def _describe_cell(column: Column, value: Cell) -> str:
    """A cell where its column's title is not seen."""
    if value is None:
        return ""
    label = label_for(column, value)
    return label if isinstance(value, str) else f"{column.title} {label}"
