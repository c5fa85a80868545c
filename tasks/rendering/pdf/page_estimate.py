"""Estimate of the pages that a section takes."""

from tasks.rendering.pdf.column_widths import LINE_LENGTH, MAX_UNBROKEN_WORD
from tasks.rendering.sections import ColumnGroups, Section

LINES_PER_PAGE = {False: 50, True: 30}
"""Lines on a page by `landscape`."""
NUMBER_COLUMN_WIDTH = 8
"""Characters that a column of figures takes."""


def estimate_pages(column_groups: ColumnGroups, section: Section) -> float:
    """Estimate the pages of a section: at least 1 if each section begins a page."""
    text_indexes = [
        index for index, column in column_groups.body if column.type == "text"
    ]
    number_columns = len(column_groups.body) - len(text_indexes)
    text_width = (
        LINE_LENGTH[column_groups.layout.landscape]
        - NUMBER_COLUMN_WIDTH * number_columns
    )
    line_length = max(MAX_UNBROKEN_WORD, text_width // max(1, len(text_indexes)))
    lines = sum(
        1
        + max(
            (len(str(row[index])) // line_length for index in text_indexes),
            default=0,
        )
        for row in section.rows
    )
    pages = lines / LINES_PER_PAGE[column_groups.layout.landscape]
    return max(1.0, pages) if column_groups.layout.page_per_section else pages
