"""Column grid of a document: titles, widths and font size of its table."""

from collections.abc import Sequence
from typing import Any

from tasks.rendering.columns import Column
from tasks.rendering.pdf.column_widths import fit_columns, measure_column
from tasks.rendering.pdf.text import to_typst

CONTENT_WIDTH = {False: 182 / 25.4 * 72, True: 269 / 25.4 * 72}
"""Width between the margins of the template's pages by `landscape`, in points."""
CELL_INSETS = 5
"""Empty space beside a cell's text in the template, in points."""
FULL_SIZE = 8.5
"""Font size of the template in points."""


def build_column_grid(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, landscape: bool
) -> dict[str, Any]:
    """Build the part of a document's JSON data that describes its columns.

    `rows` are the texts of all cells of the document, in the order of the columns.
    """
    sizes = fit_columns(
        [
            measure_column(column, [row[index] for row in rows])
            for index, column in enumerate(columns)
        ],
        landscape=landscape,
    )
    column_data = [
        {
            "title": to_typst(str(column.title)),
            "is_numeric": column.type != "text",
            "width": width,
            "rotated": rotated,
        }
        for column, width, rotated in zip(
            columns, sizes.widths, sizes.rotated, strict=True
        )
    ]
    return {
        "columns": column_data,
        "rotated_title_length": sizes.rotated_title_length,
        "size": sizes.size,
    }


def columns_room(column_grid: dict[str, Any], *, landscape: bool) -> list[float]:
    """Return the width that each column has for text, in em of the table's font size."""
    widths = [column["width"] for column in column_grid["columns"]]
    em = FULL_SIZE * column_grid["size"] / 100
    unit = CONTENT_WIDTH[landscape] / max(1, sum(widths))
    return [(unit * width - CELL_INSETS) / em for width in widths]
