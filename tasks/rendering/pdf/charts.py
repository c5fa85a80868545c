"""Bar charts of a section's figures."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

from django.utils.translation import gettext as _

from tasks.rendering.columns import Row
from tasks.rendering.pdf.text import format_cell, strip_forbidden, to_typst, truncate
from tasks.rendering.sections import (
    MAX_BARS,
    MAX_GROUPS,
    ChartRows,
    ColumnGroups,
    IndexedColumn,
    Section,
    plotted_value,
)

LABEL_LINE_LENGTH = 150
"""Characters of all labels on one line below a chart."""
MAX_LABEL_LENGTH = 36
"""Characters of one label; the table has the full text."""
ROTATED_LABEL_LENGTH = 18
"""Characters on a line of a rotated label, used if words do not fit horizontally."""
AXIS_STEPS = (1, 2, 5)

BarGroup = tuple[str, list[Row]]
"""Label of a group of bars, and the rows of its bars."""


def build_charts(
    column_groups: ColumnGroups, section: Section
) -> Iterator[dict[str, Any]]:
    """Yield a chart for each chart column, unless it would be unreadable."""
    if section.is_continued or not section.is_last_piece or not column_groups.body:
        return
    for index, column in sorted(column_groups.chart, key=itemgetter(0)):
        rows = [row for row in section.rows if plotted_value(row[index]) is not None]
        if 1 < len(rows) <= MAX_BARS:
            chart_rows = ChartRows(rows, column_groups.body[:2])
            if len(chart_rows.groups) <= MAX_GROUPS:
                yield _build_chart(chart_rows, (index, column))


def _build_chart(
    chart_rows: ChartRows, indexed_column: IndexedColumn
) -> dict[str, Any]:
    index, column = indexed_column
    heights = [plotted_value(row[index]) or Decimal(0) for row in chart_rows.rows]
    axis_maximum = _axis_maximum(heights)
    if column.type == "percent":
        axis_maximum = max(axis_maximum, Decimal(100))
    group_column = chart_rows.keys[0][1]
    bar_groups = [
        (format_cell(group_column, cell), rows) for cell, rows in chart_rows.groups
    ]
    labels, rotated_length = _fit_labels([name for name, _rows in bar_groups])
    series = _series_names(chart_rows)
    groups = [
        {
            "label": to_typst(label),
            "bars": [
                {
                    "permille": int(
                        1000 * (plotted_value(row[index]) or 0) / axis_maximum
                    ),
                    "text": to_typst(format_cell(column, row[index])),
                    "shade": _shade(chart_rows, series, row),
                }
                for row in group
            ],
        }
        for label, (_name, group) in zip(labels, bar_groups, strict=True)
    ]
    series_column = chart_rows.series_column
    return {
        "title": to_typst(str(column.title)),
        "axis_maximum": format_cell(column, axis_maximum),
        "groups": groups,
        "bar_count": len(chart_rows.rows),
        "label_lines": _label_lines(labels),
        "rotated_length": rotated_length,
        "series": list(map(to_typst, series)),
        "series_title": to_typst(str(series_column[1].title)) if series_column else "",
        "alt": _alt_text(str(column.title), bar_groups, indexed_column),
    }


def _series_names(chart_rows: ChartRows) -> list[str]:
    """Return the distinct names of the series, in order of first appearance."""
    if chart_rows.series_column is None:
        return []
    _index, column = chart_rows.series_column
    names = (format_cell(column, cell) for cell in chart_rows.series_cells)
    return list(dict.fromkeys(names))


def _shade(chart_rows: ChartRows, series: Sequence[str], row: Row) -> int:
    """Return the number of the bar's series; 0 if the chart has none."""
    if chart_rows.series_column is None:
        return 0
    index, column = chart_rows.series_column
    return series.index(format_cell(column, row[index]))


def _fit_labels(names: Sequence[str]) -> tuple[list[str], int]:
    """Truncate the labels to the room they have.

    Also returns the line length of rotated labels, or 0 for horizontal ones. Labels stay
    horizontal if every word fits into the width of its group, or if rotating them would give
    no more room.
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
    """Return the number of lines that the longest horizontal label takes."""
    return 1 + max(map(len, labels)) * len(labels) // LABEL_LINE_LENGTH


def _axis_maximum(heights: Sequence[Decimal]) -> Decimal:
    """Return the smallest round number that no bar exceeds.

    It is at least 10, so that charts of grades are comparable.
    """
    highest, scale = max(heights), Decimal(10)
    while scale * AXIS_STEPS[-1] < highest:
        scale *= 10
    return next(step * scale for step in AXIS_STEPS if step * scale >= highest)


def _alt_text(
    title: str, bar_groups: Sequence[BarGroup], indexed_column: IndexedColumn
) -> str:
    """Describe the chart as text for screen readers."""
    index, column = indexed_column
    bars = "; ".join(
        f"{name}: {', '.join(format_cell(column, row[index]) for row in group)}"
        for name, group in bar_groups
    )
    alt = _("Bar chart of “%(title)s”. %(bars)s.") % {"title": title, "bars": bars}
    return strip_forbidden(alt)
