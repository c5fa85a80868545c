"""The columns of a table, and the cells that stand in them."""

from collections.abc import Mapping
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
    """Of its cells; a text may stand among figures, as a concept among grades."""
    labels: Mapping[Any, str | Promise] = field(default_factory=dict)
    """What people are shown instead, where the cells are codes for machines."""

    @property
    def is_measure(self) -> bool:
        """Whether its cells are grades or shares, which tell no two rows apart."""
        return self.type in {"decimal", "percent"}
