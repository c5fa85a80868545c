"""A report as a table: typed columns and a stream of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Cell = str | int | Decimal | date | None
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    """A column; `name` is for machines and is never translated, `title` is for people."""

    name: str
    title: str
    type: Literal["text", "integer", "decimal", "percent", "date"] = "text"


@dataclass(frozen=True)
class Table:
    title: str
    columns: Sequence[Column]
    rows: Iterator[Row]
    """Read once; each row has one cell a column."""
