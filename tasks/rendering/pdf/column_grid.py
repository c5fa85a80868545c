"""Column grid of a document: titles, widths and font size of its table."""

from collections.abc import Sequence
from typing import Any

from tasks.rendering.columns import Column
from tasks.rendering.pdf.column_widths import fit_columns, measure_column
from tasks.rendering.pdf.text import to_typst


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
