"""How wide a table's columns are on paper, and how their titles stand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.rendering.columns import Column
from tasks.rendering.pdf.text import LONG

ROOM = {False: 118, True: 182}
"""Characters on a line of the page upright, and across; at the full size of letters."""
GAP = 2
"""Characters that the space between two columns takes."""
SMALL = 88
"""Percent of the full size down to which titles may lie."""
SMALLER = 76
"""Percent of the full size down to which sentences have room."""
SMALLEST = 62
"""Percent of the full size below which nobody can read."""
WORD = LONG
"""Longer words may be broken."""
SHORT = 10
"""A text of no more characters stays in one line."""
TEXT = 24
"""Characters of a line in which longer texts read well."""
NAME = 18
"""Characters of a line in which names take two."""
PROSE = 40
"""Characters of a line for sentences."""
TITLE = 22
"""Characters of a title that stands upright; a longer one takes two lines."""


@dataclass(frozen=True)
class Measured:
    """A column, and of its cells the widest, the widest word, and all; in characters."""

    column: Column
    cell: int
    word: int
    total: int
    usual: int
    """What a cell that is not empty has on average."""

    @property
    def is_figure(self) -> bool:
        return self.column.type != "text"

    @property
    def title_word(self) -> int:
        return max(map(len, str(self.column.title).split()), default=0)

    @property
    def least(self) -> int:
        """What its cells need: a figure is never broken, a text between its words."""
        is_whole = self.is_figure or self.cell <= SHORT
        return max(3, self.cell if is_whole else min(self.word, WORD))

    @property
    def is_prose(self) -> bool:
        """Whether its cells are sentences, which would be towers of words in a narrow column."""
        return not self.is_figure and self.usual > 2 * TEXT

    @property
    def line(self) -> int:
        """What a line of its texts should have where room is scarce."""
        if self.is_figure:
            return 0
        return PROSE if self.is_prose else min(self.usual, NAME)

    @property
    def wanted(self) -> int:
        """What it should have before titles may take room."""
        return max(self.least, self.line, min(self.usual, TEXT), self.title_word)

    @property
    def title_stands(self) -> bool:
        """Whether its title stands upright where room is scarce."""
        return self.is_figure and self.title_word > self.least


@dataclass(frozen=True)
class Grid:
    """Widths in characters, which titles stand upright, and the size in percent."""

    widths: Sequence[int]
    upright: Sequence[bool]
    size: int = 100
    tallest: int = 0
    """Characters that upright titles have room for."""


def measured(column: Column, texts: Sequence[str]) -> Measured:
    different = set(texts)  # names of subjects and grades come again and again
    total = sum(map(len, texts))
    return Measured(
        column,
        cell=max(map(_width, different), default=0),
        word=max(
            (_width(word) for text in different for word in text.split()), default=0
        ),
        total=total,
        usual=total // max(1, sum(map(bool, texts))),
    )


def grid(columns: Sequence[Measured], *, is_wide: bool) -> Grid:
    """Room for every column: titles lying if that fits, else those of figures upright."""
    room = ROOM[is_wide]
    lying = [one.wanted for one in columns]
    if (size := _size(lying, room)) >= SMALL:
        widths = _filled(columns, lying, 100 * room // size)
        return Grid(widths, [False] * len(columns), size)
    least = [
        _under_title(one)
        if one.title_stands
        else max(one.least, min(one.title_word, WORD))
        for one in columns
    ]
    roomy = [max(width, one.line) for width, one in zip(least, columns, strict=True)]
    if (size := _size(roomy, room)) >= SMALLER:
        least = roomy
    else:
        size = max(SMALLEST, min(SMALLER, _size(least, room)))
    titles = [len(str(one.column.title)) for one in columns if one.title_stands]
    return Grid(
        _filled(columns, least, 100 * room // size),
        [one.title_stands for one in columns],
        size,
        tallest=min(TITLE, max(titles, default=0)),
    )


def _size(widths: Sequence[int], room: int) -> int:
    """The size in percent at which columns of these widths fill the room, at most the full."""
    needed = sum(widths) + GAP * len(widths)
    return min(100, 100 * room // max(1, needed))


def _under_title(one: Measured) -> int:
    lines = -(-len(str(one.column.title)) // TITLE)
    return max(one.least, 2 * lines + 1)


def _filled(columns: Sequence[Measured], least: Sequence[int], room: int) -> list[int]:
    """The widths with what is left of the room, to the texts by how much each holds."""
    widths = [width + GAP for width in least]
    left = room - sum(widths)
    lacking = {
        place: one.cell - least[place]
        for place, one in enumerate(columns)
        if not one.is_figure and one.cell > least[place]
    }
    # The one that lacks least for what it holds comes first, so that what it does not
    # need is there for the others.
    held = sum(columns[place].total for place in lacking)
    for place in sorted(lacking, key=lambda p: lacking[p] / columns[p].total):
        given = min(lacking[place], max(0, left) * columns[place].total // held)
        widths[place] += given
        left -= given
        held -= columns[place].total
    return widths


def _width(text: str) -> int:
    """In characters of the usual width: figures and capitals are wider."""
    return len(text) + len(_WIDE.findall(text)) // 6


_WIDE = re.compile("[0-9A-Z]")
