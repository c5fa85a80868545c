"""The bars that a part's figures are drawn as."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.pdf.sections import ColumnGroups, Section
from tasks.rendering.pdf.text import format_cell, strip_forbidden, to_typst, truncate

MAX_GROUPS = 24
MAX_BARS = 120
LABEL_LINE_LENGTH = 150
"""Characters of all labels that stand in one line."""
MAX_LABEL_LENGTH = 36
"""Characters of one label; the table has it in full."""
ROTATED_LABEL_LENGTH = 18
"""Characters of a line of a label that stands upright, where words have no room to lie."""
AXIS_STEPS = (1, 2, 5)

BarGroup = tuple[str, list[Row]]
"""Bars that stand together, and what they are called."""


def build_charts(
    column_groups: ColumnGroups, section: Section
) -> Iterator[dict[str, Any]]:
    """One for each column that asks; none where it could not be read.

    Neighbouring rows of the same first cell are a group, told apart by their second.
    """
    if section.is_continued or not section.is_last_piece or not column_groups.body:
        return
    chart_columns = [
        (index, column)
        for index, column in enumerate(column_groups.columns)
        if column.name in column_groups.layout.chart
    ]
    for place, column in chart_columns:
        rows = [row for row in section.rows if _bar_height(row[place]) is not None]
        if 1 < len(rows) <= MAX_BARS:
            bar_groups = _group_rows(column_groups, rows)
            if len(bar_groups) <= MAX_GROUPS:
                yield _build_chart(column_groups, rows, bar_groups, (place, column))


def _group_rows(column_groups: ColumnGroups, rows: Sequence[Row]) -> list[BarGroup]:
    group_index, group_column = column_groups.body[0]
    return [
        (format_cell(group_column, cell), list(group))
        for cell, group in groupby(rows, key=lambda row: row[group_index])
    ]


def _build_chart(
    column_groups: ColumnGroups,
    rows: Sequence[Row],
    bar_groups: Sequence[BarGroup],
    indexed_column: tuple[int, Column],
) -> dict[str, Any]:
    index, column = indexed_column
    axis_maximum = _axis_maximum(
        [_bar_height(row[index]) or Decimal(0) for row in rows]
    )
    if column.type == "percent":
        axis_maximum = max(axis_maximum, Decimal(100))
    series = _series_names(column_groups, bar_groups)
    labels, rotated_length = _fit_labels([name for name, _rows in bar_groups])
    groups = [
        {
            "label": to_typst(label),
            "bars": [
                {
                    "permille": int(
                        1000 * (_bar_height(row[index]) or 0) / axis_maximum
                    ),
                    "text": to_typst(format_cell(column, row[index])),
                    "shade": series.index(_series_name(column_groups, row))
                    if series
                    else 0,
                }
                for row in group
            ],
        }
        for label, (_name, group) in zip(labels, bar_groups, strict=True)
    ]
    return {
        "title": to_typst(str(column.title)),
        "axis_maximum": format_cell(column, axis_maximum),
        "groups": groups,
        "bar_count": len(rows),
        "label_lines": _label_lines(labels),
        "rotated_length": rotated_length,
        "series": list(map(to_typst, series)),
        "series_title": to_typst(str(column_groups.body[1][1].title)) if series else "",
        "alt": _alt_text(str(column.title), bar_groups, indexed_column),
    }


def _fit_labels(names: Sequence[str]) -> tuple[list[str], int]:
    """The names as there is room for them, and the characters of a line where they stand upright.

    They lie (that is 0) where no word is longer than the room of its group, and where they
    would have no more room if they stood.
    """
    label_length = LABEL_LINE_LENGTH // len(names) - 1
    longest_word = max(
        (len(word) for name in names for word in name.split()), default=0
    )
    is_rotated = label_length < min(longest_word, ROTATED_LABEL_LENGTH)
    max_word_length = ROTATED_LABEL_LENGTH if is_rotated else label_length
    texts = [
        " ".join(truncate(word, max_word_length) for word in name.split())
        for name in names
    ]
    labels = [truncate(label, MAX_LABEL_LENGTH) for label in texts]
    return labels, min(max_word_length, max(map(len, labels))) if is_rotated else 0


def _label_lines(labels: Sequence[str]) -> int:
    """That the longest label takes where it lies, in the room that each has."""
    return 1 + max(map(len, labels)) * len(labels) // LABEL_LINE_LENGTH


def _bar_height(cell: Cell) -> Decimal | None:
    """What can be drawn; less than nothing cannot."""
    is_number = isinstance(cell, Decimal | int) and not isinstance(cell, bool)
    return Decimal(cell) if is_number and cell >= 0 else None  # type: ignore[arg-type, operator]


def _axis_maximum(heights: Sequence[Decimal]) -> Decimal:
    """The least round number that none is above; 10 at least, so that grades compare."""
    highest, scale = max(heights), Decimal(10)
    while scale * AXIS_STEPS[-1] < highest:
        scale *= 10
    return next(step * scale for step in AXIS_STEPS if step * scale >= highest)


def _series_names(
    column_groups: ColumnGroups, bar_groups: Sequence[BarGroup]
) -> list[str]:
    """What tells the bars of a group apart, in the order it first comes."""
    if (
        all(len(group) == 1 for _name, group in bar_groups)
        or len(column_groups.body) < 2
    ):
        return []
    if column_groups.body[1][1].is_measure:
        return []  # of two subjects of one name, this is a grade
    names = (
        _series_name(column_groups, row) for _name, group in bar_groups for row in group
    )
    return list(dict.fromkeys(names))


def _series_name(column_groups: ColumnGroups, row: Row) -> str:
    index, column = column_groups.body[1]
    return format_cell(column, row[index])


def _alt_text(
    title: str, bar_groups: Sequence[BarGroup], indexed_column: tuple[int, Column]
) -> str:
    """The chart in words, for whom it is read out to."""
    index, column = indexed_column
    bars = "; ".join(
        f"{name}: {', '.join(format_cell(column, row[index]) for row in group)}"
        for name, group in bar_groups
    )
    alt = _("Bar chart of “%(title)s”. %(bars)s.") % {"title": title, "bars": bars}
    return strip_forbidden(alt)
