"""A report as a table: typed columns and a stream of rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.utils.functional import Promise

Cell = str | int | Decimal | date | bool | None
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    """A column; `name` is for machines and is never translated, `title` is for people."""

    name: str
    title: str | Promise
    type: Literal["text", "integer", "decimal", "percent", "date", "boolean"] = "text"
    labels: Mapping[Any, str | Promise] = field(default_factory=dict)
    """What people are shown instead, where the cells are codes for machines."""


@dataclass(frozen=True)
class Table:
    title: str
    columns: Sequence[Column]
    rows: Iterator[Row]
    """Read once; each row has one cell a column."""
