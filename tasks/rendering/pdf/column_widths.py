"""Column widths of a PDF table, and the orientation of its titles."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.rendering.columns import Column
from tasks.rendering.pdf.text import MIN_BREAKABLE_WORD

LINE_LENGTH = {False: 118, True: 182}
"""Characters on a line by `landscape`, at full font size."""
COLUMN_GAP = 2
"""Characters that the gap between two columns takes."""
MIN_SIZE_HORIZONTAL_TITLES = 88
"""Smallest font size with only horizontal titles, in percent of full size."""
MIN_SIZE = 62
"""Smallest readable font size, in percent of full size."""
MAX_UNBROKEN_WORD = MIN_BREAKABLE_WORD
"""Characters above which a word may be broken."""
MAX_UNBROKEN_TEXT = 10
"""Characters up to which a text stays on one line."""
TEXT_LINE_LENGTH = 24
"""Characters on a comfortable line of longer texts."""
NAME_LINE_LENGTH = 18
"""Characters on a line of a name that takes two lines."""
PROSE_LINE_LENGTH = 40
"""Characters on a line of sentences."""
TITLE_LINE_LENGTH = 22
"""Characters on a line of a rotated title; a longer title takes more lines."""


@dataclass(frozen=True)
class ColumnMeasure:
    """A column and the lengths of its cells in characters."""

    column: Column
    longest_cell: int
    longest_word: int
    total_length: int
    mean_length: int
    """Average length of the cells that are not empty."""

    @property
    def is_numeric(self) -> bool:
        return self.column.type != "text"

    @property
    def longest_title_word(self) -> int:
        return max(map(len, str(self.column.title).split()), default=0)

    @property
    def min_width(self) -> int:
        """Minimum width: figures are never broken, texts are broken between words."""
        is_unbroken = self.is_numeric or self.longest_cell <= MAX_UNBROKEN_TEXT
        return max(
            3,
            self.longest_cell
            if is_unbroken
            else min(self.longest_word, MAX_UNBROKEN_WORD),
        )

    @property
    def is_prose(self) -> bool:
        """True if the cells are sentences, which need a wide column to be readable."""
        return not self.is_numeric and self.mean_length > 2 * TEXT_LINE_LENGTH

    @property
    def line_width(self) -> int:
        """Line length of the column's texts if room is scarce; 0 for figures."""
        if self.is_numeric:
            return 0
        return (
            PROSE_LINE_LENGTH
            if self.is_prose
            else min(self.mean_length, NAME_LINE_LENGTH)
        )

    @property
    def preferred_width(self) -> int:
        """Width with a horizontal title and comfortable lines."""
        return max(
            self.min_width,
            self.line_width,
            min(self.mean_length, TEXT_LINE_LENGTH),
            self.longest_title_word,
        )

    @property
    def rotates_title(self) -> bool:
        """True if the title is rotated when room is scarce."""
        return self.is_numeric and self.longest_title_word > self.min_width


@dataclass(frozen=True)
class ColumnSizes:
    """Column widths in characters, rotated titles, and font size in percent of full size."""

    widths: Sequence[int]
    rotated: Sequence[bool]
    size: int = 100
    rotated_title_length: int = 0
    """Line length of rotated titles in characters; 0 if none is rotated."""


def measure_column(column: Column, texts: Sequence[str]) -> ColumnMeasure:
    distinct = set(texts)  # subject names and grades repeat often
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
    """Fit the columns to the page: all titles horizontal if possible, else figures' rotated."""
    line_length = LINE_LENGTH[landscape]
    preferred = [measure.preferred_width for measure in measures]
    if (size := _fitting_size(preferred, line_length)) >= MIN_SIZE_HORIZONTAL_TITLES:
        widths = _distribute_width(measures, preferred, 100 * line_length // size)
        return ColumnSizes(widths, [False] * len(measures), size)
    min_widths = [
        _rotated_width(measure)
        if measure.rotates_title
        else max(measure.min_width, min(measure.longest_title_word, MAX_UNBROKEN_WORD))
        for measure in measures
    ]
    line_widths = [
        max(width, measure.line_width)
        for width, measure in zip(min_widths, measures, strict=True)
    ]
    # A smaller font is easier to read than sentences in a column of one word a line.
    if (size := _fitting_size(line_widths, line_length)) >= MIN_SIZE:
        min_widths = line_widths
    else:
        size = MIN_SIZE
    title_lengths = [
        len(str(measure.column.title)) for measure in measures if measure.rotates_title
    ]
    return ColumnSizes(
        _distribute_width(measures, min_widths, 100 * line_length // size),
        [measure.rotates_title for measure in measures],
        size,
        rotated_title_length=min(TITLE_LINE_LENGTH, max(title_lengths, default=0)),
    )


def _fitting_size(widths: Sequence[int], line_length: int) -> int:
    """Return the font size in percent, at most 100, at which these columns fill the line."""
    needed = sum(widths) + COLUMN_GAP * len(widths)
    return min(100, 100 * line_length // max(1, needed))


def _rotated_width(measure: ColumnMeasure) -> int:
    title_lines = -(-len(str(measure.column.title)) // TITLE_LINE_LENGTH)
    return max(measure.min_width, 2 * title_lines + 1)


def _distribute_width(
    measures: Sequence[ColumnMeasure], min_widths: Sequence[int], line_length: int
) -> list[int]:
    """Distribute the remaining width to the text columns in proportion to their content."""
    widths = [width + COLUMN_GAP for width in min_widths]
    remaining = line_length - sum(widths)
    missing = {
        index: measure.longest_cell - min_widths[index]
        for index, measure in enumerate(measures)
        if not measure.is_numeric and measure.longest_cell > min_widths[index]
    }
    # The column that needs least for its content comes first: the share that it does not
    # use goes to the others.
    missing_total = sum(measures[index].total_length for index in missing)
    for index in sorted(missing, key=lambda i: missing[i] / measures[i].total_length):
        extra = min(
            missing[index],
            max(0, remaining) * measures[index].total_length // missing_total,
        )
        widths[index] += extra
        remaining -= extra
        missing_total -= measures[index].total_length
    return widths


def _text_width(text: str) -> int:
    """Return the width in average characters: digits and capitals are wider."""
    return len(text) + len(_WIDE_CHARACTERS.findall(text)) // 6


_WIDE_CHARACTERS = re.compile("[0-9A-Z]")
