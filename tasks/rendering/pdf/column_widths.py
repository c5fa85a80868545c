"""How wide a table's columns are on paper, and how their titles stand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.rendering.columns import Column
from tasks.rendering.pdf.text import MIN_BREAKABLE_WORD

LINE_LENGTH = {False: 118, True: 182}
"""Characters on a line of the page upright, and across; at the full size of letters."""
COLUMN_GAP = 2
"""Characters that the space between two columns takes."""
MIN_SIZE_HORIZONTAL_TITLES = 88
"""Percent of the full size down to which titles may lie."""
MIN_SIZE_PROSE = 76
"""Percent of the full size down to which sentences have room."""
MIN_SIZE = 62
"""Percent of the full size below which nobody can read."""
MAX_UNBROKEN_WORD = MIN_BREAKABLE_WORD
"""Longer words may be broken."""
MAX_UNBROKEN_TEXT = 10
"""A text of no more characters stays in one line."""
TEXT_LINE_LENGTH = 24
"""Characters of a line in which longer texts read well."""
NAME_LINE_LENGTH = 18
"""Characters of a line in which names take two."""
PROSE_LINE_LENGTH = 40
"""Characters of a line for sentences."""
TITLE_LINE_LENGTH = 22
"""Characters of a title that stands upright; a longer one takes two lines."""


@dataclass(frozen=True)
class ColumnMeasure:
    """A column, and of its cells the widest, the widest word, and all; in characters."""

    column: Column
    longest_cell: int
    longest_word: int
    total_length: int
    mean_length: int
    """What a cell that is not empty has on average."""

    @property
    def is_numeric(self) -> bool:
        return self.column.type != "text"

    @property
    def longest_title_word(self) -> int:
        return max(map(len, str(self.column.title).split()), default=0)

    @property
    def min_width(self) -> int:
        """What its cells need: a figure is never broken, a text between its words."""
        is_unbroken = self.is_numeric or self.longest_cell <= MAX_UNBROKEN_TEXT
        return max(
            3,
            self.longest_cell
            if is_unbroken
            else min(self.longest_word, MAX_UNBROKEN_WORD),
        )

    @property
    def is_prose(self) -> bool:
        """Whether its cells are sentences, which would be towers of words in a narrow column."""
        return not self.is_numeric and self.mean_length > 2 * TEXT_LINE_LENGTH

    @property
    def line_width(self) -> int:
        """What a line of its texts should have where room is scarce."""
        if self.is_numeric:
            return 0
        return (
            PROSE_LINE_LENGTH
            if self.is_prose
            else min(self.mean_length, NAME_LINE_LENGTH)
        )

    @property
    def preferred_width(self) -> int:
        """What it should have before titles may take room."""
        return max(
            self.min_width,
            self.line_width,
            min(self.mean_length, TEXT_LINE_LENGTH),
            self.longest_title_word,
        )

    @property
    def rotates_title(self) -> bool:
        """Whether its title stands upright where room is scarce."""
        return self.is_numeric and self.longest_title_word > self.min_width


@dataclass(frozen=True)
class ColumnSizes:
    """Widths in characters, which titles stand upright, and the size in percent."""

    widths: Sequence[int]
    rotated: Sequence[bool]
    size: int = 100
    rotated_title_length: int = 0
    """Characters that upright titles have room for."""


def measure_column(column: Column, texts: Sequence[str]) -> ColumnMeasure:
    distinct = set(texts)  # names of subjects and grades come again and again
    total = sum(map(len, texts))
    return ColumnMeasure(
        column,
        longest_cell=max(map(_text_width, distinct), default=0),
        longest_word=max(
            (_text_width(word) for text in distinct for word in text.split()), default=0
        ),
        total_length=total,
        mean_length=total // max(1, sum(map(bool, texts))),
    )


def fit_columns(measures: Sequence[ColumnMeasure], *, landscape: bool) -> ColumnSizes:
    """Room for every column: titles lying if that fits, else those of figures upright."""
    line_length = LINE_LENGTH[landscape]
    preferred = [measure.preferred_width for measure in measures]
    if (size := _fitting_size(preferred, line_length)) >= MIN_SIZE_HORIZONTAL_TITLES:
        widths = _distribute_width(measures, preferred, 100 * line_length // size)
        return ColumnSizes(widths, [False] * len(measures), size)
    min_widths = [
        _rotated_width(one)
        if one.rotates_title
        else max(one.min_width, min(one.longest_title_word, MAX_UNBROKEN_WORD))
        for one in measures
    ]
    line_widths = [
        max(width, one.line_width)
        for width, one in zip(min_widths, measures, strict=True)
    ]
    if (size := _fitting_size(line_widths, line_length)) >= MIN_SIZE_PROSE:
        min_widths = line_widths
    else:
        size = max(
            MIN_SIZE, min(MIN_SIZE_PROSE, _fitting_size(min_widths, line_length))
        )
    title_lengths = [
        len(str(one.column.title)) for one in measures if one.rotates_title
    ]
    return ColumnSizes(
        _distribute_width(measures, min_widths, 100 * line_length // size),
        [one.rotates_title for one in measures],
        size,
        rotated_title_length=min(TITLE_LINE_LENGTH, max(title_lengths, default=0)),
    )


def _fitting_size(widths: Sequence[int], line_length: int) -> int:
    """The size in percent at which columns of these widths fill the room, at most the full."""
    needed = sum(widths) + COLUMN_GAP * len(widths)
    return min(100, 100 * line_length // max(1, needed))


def _rotated_width(measure: ColumnMeasure) -> int:
    title_lines = -(-len(str(measure.column.title)) // TITLE_LINE_LENGTH)
    return max(measure.min_width, 2 * title_lines + 1)


def _distribute_width(
    measures: Sequence[ColumnMeasure], min_widths: Sequence[int], line_length: int
) -> list[int]:
    """The widths with what is left of the room, to the texts by how much each holds."""
    widths = [width + COLUMN_GAP for width in min_widths]
    remaining = line_length - sum(widths)
    missing = {
        index: measure.longest_cell - min_widths[index]
        for index, measure in enumerate(measures)
        if not measure.is_numeric and measure.longest_cell > min_widths[index]
    }
    # The one that lacks least for what it holds comes first, so that what it does not
    # need is there for the others.
    missing_total = sum(measures[place].total_length for place in missing)
    for place in sorted(missing, key=lambda p: missing[p] / measures[p].total_length):
        extra = min(
            missing[place],
            max(0, remaining) * measures[place].total_length // missing_total,
        )
        widths[place] += extra
        remaining -= extra
        missing_total -= measures[place].total_length
    return widths


def _text_width(text: str) -> int:
    """In characters of the usual width: figures and capitals are wider."""
    return len(text) + len(_WIDE_CHARACTERS.findall(text)) // 6


_WIDE_CHARACTERS = re.compile("[0-9A-Z]")
