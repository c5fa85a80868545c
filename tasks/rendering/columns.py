"""Columns of a table and the types of their cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args

from django.utils.functional import Promise

Cell = str | int | Decimal | date | bool | None
Row = tuple[Cell, ...]
ColumnType = Literal[
    "text", "identifier", "integer", "decimal", "percent", "date", "boolean"
]
"""An identifier is a whole number that is no quantity: a year, a term, an id."""
COLUMN_TYPES: tuple[str, ...] = get_args(ColumnType)
Audience = Literal["people", "programs"]
"""Readers of a format: people see titles and labels, programs see names and codes."""
AUDIENCES: tuple[str, ...] = get_args(Audience)


@dataclass(frozen=True)
class Column:
    """A column; `name` is for programs and never translated, `title` is for people."""

    name: str
    title: str | Promise
    type: ColumnType = "text"
    """Type of the cells; a numeric column may contain texts, such as a concept among grades."""
    labels: Mapping[Any, str | Promise] = field(default_factory=dict)
    """Labels for people by cell, if the cells are codes for programs."""
    audience: Audience = "people"
    """Programs if formats for people leave the column out, such as an id."""

    @property
    def is_measure(self) -> bool:
        """True if the cells are grades or percentages, which do not identify a row."""
        return self.type in {"decimal", "percent"}
