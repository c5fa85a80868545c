"""The bars that a part's figures are drawn as."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.pdf.sections import Part, Shown
from tasks.rendering.pdf.text import allowed, cut, said, typed

MOST_GROUPS = 24
MOST_BARS = 120
LABELS = 150
"""Characters of all labels that stand in one line."""
LABEL = 36
"""Characters of one label; the table has it in full."""
UPRIGHT = 18
"""Characters of a line of a label that stands upright, where words have no room to lie."""
STEPS = (1, 2, 5)

Group = tuple[str, list[Row]]
"""Bars that stand together, and what they are called."""


def charts(shown: Shown, part: Part) -> Iterator[dict[str, Any]]:
    """One for each column that asks; none where it could not be read.

    Neighbouring rows of the same first cell are a group, told apart by their second.
    """
    if part.is_begun or not part.is_whole or not shown.body:
        return
    wanted = [
        (place, column)
        for place, column in enumerate(shown.columns)
        if column.name in shown.layout.chart
    ]
    for place, column in wanted:
        rows = [row for row in part.rows if _height(row[place]) is not None]
        if 1 < len(rows) <= MOST_BARS:
            grouped = _grouped(shown, rows)
            if len(grouped) <= MOST_GROUPS:
                yield _chart(shown, rows, grouped, (place, column))


def _grouped(shown: Shown, rows: Sequence[Row]) -> list[Group]:
    first, label = shown.body[0]
    return [
        (said(label, cell), list(group))
        for cell, group in groupby(rows, key=lambda row: row[first])
    ]


def _chart(
    shown: Shown,
    rows: Sequence[Row],
    grouped: Sequence[Group],
    drawn: tuple[int, Column],
) -> dict[str, Any]:
    place, column = drawn
    top = _top([_height(row[place]) or Decimal(0) for row in rows])
    if column.type == "percent":
        top = max(top, Decimal(100))
    series = _series(shown, grouped)
    labels, upright = _labels([name for name, _rows in grouped])
    groups = [
        {
            "label": typed(label),
            "bars": [
                {
                    "permille": int(1000 * (_height(row[place]) or 0) / top),
                    "text": typed(said(column, row[place])),
                    "shade": series.index(_second(shown, row)) if series else 0,
                }
                for row in group
            ],
        }
        for label, (_name, group) in zip(labels, grouped, strict=True)
    ]
    return {
        "title": typed(str(column.title)),
        "top": said(column, top),
        "groups": groups,
        "bars": len(rows),
        "label_lines": _lines(labels),
        "upright": upright,
        "series": list(map(typed, series)),
        "of": typed(str(shown.body[1][1].title)) if series else "",
        "alt": _alt(str(column.title), grouped, drawn),
    }


def _labels(names: Sequence[str]) -> tuple[list[str], int]:
    """The names as there is room for them, and the characters of a line where they stand upright.

    They lie (that is 0) where no word is longer than the room of its group, and where they
    would have no more room if they stood.
    """
    room = LABELS // len(names) - 1
    longest = max((len(word) for name in names for word in name.split()), default=0)
    stands = room < min(longest, UPRIGHT)
    most = UPRIGHT if stands else room
    words = [" ".join(cut(word, most) for word in name.split()) for name in names]
    labels = [cut(label, LABEL) for label in words]
    return labels, min(most, max(map(len, labels))) if stands else 0


def _lines(labels: Sequence[str]) -> int:
    """That the longest label takes where it lies, in the room that each has."""
    return 1 + max(map(len, labels)) * len(labels) // LABELS


def _height(cell: Cell) -> Decimal | None:
    """What can be drawn; less than nothing cannot."""
    is_number = isinstance(cell, Decimal | int) and not isinstance(cell, bool)
    return Decimal(cell) if is_number and cell >= 0 else None  # type: ignore[arg-type, operator]


def _top(heights: Sequence[Decimal]) -> Decimal:
    """The least round number that none is above; 10 at least, so that grades compare."""
    highest, tens = max(heights), Decimal(10)
    while tens * STEPS[-1] < highest:
        tens *= 10
    return next(step * tens for step in STEPS if step * tens >= highest)


def _series(shown: Shown, grouped: Sequence[Group]) -> list[str]:
    """What tells the bars of a group apart, in the order it first comes."""
    if all(len(group) == 1 for _name, group in grouped) or len(shown.body) < 2:
        return []
    if shown.body[1][1].is_measure:
        return []  # of two subjects of one name, this is a grade
    seen = (_second(shown, row) for _name, group in grouped for row in group)
    return list(dict.fromkeys(seen))


def _second(shown: Shown, row: Row) -> str:
    place, column = shown.body[1]
    return said(column, row[place])


def _alt(title: str, grouped: Sequence[Group], drawn: tuple[int, Column]) -> str:
    """The chart in words, for whom it is read out to."""
    place, column = drawn
    told = "; ".join(
        f"{name}: {', '.join(said(column, row[place]) for row in group)}"
        for name, group in grouped
    )
    alt = _("Bar chart of “%(title)s”. %(bars)s.") % {"title": title, "bars": told}
    return allowed(alt)
