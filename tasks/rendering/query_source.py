"""Rows that are one query: read one by one, or handed over for the database to write."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Expression, F, Func, Model, Q, QuerySet, TextField

from school.db.streaming import ROWS_AT_ONCE
from tasks.rendering.columns import Column, Row


@dataclass(frozen=True)
class Pick:
    """A column, and where its cells are found from a record."""

    column: Column
    at: str
    """The relations that lead to the record that has it; blank where it is the first."""
    of: Callable[[str], F | Expression]
    """The cell, given what stands before the names of fields; a decimal's is `Tenths`."""

    @property
    def cell(self) -> F | Expression:
        return self.of(f"{self.at}__" if self.at else "")

    def may_be(self, pattern: str, model: type[Model]) -> bool:
        """Whether a text in this column may be null, or match the regular expression.

        `model` is that of the records. All of the table that has the text is looked at, also
        what nobody will be shown: a name stands in it once, and in an export a thousand times.
        """
        for relation in self.at.split("__") if self.at else ():
            model = model._meta.get_field(relation).related_model  # type: ignore[assignment]
        texts = model._default_manager.order_by().alias(text=self.of(""))
        found: bool = texts.filter(Q(text__regex=pattern) | Q(text=None)).exists()
        return found


@dataclass(frozen=True)
class Source:
    """Records in a total order, and the cells of each."""

    records: QuerySet[Any]
    picks: Sequence[Pick]

    @cached_property
    def count(self) -> int:
        return self.records.count()

    def rows(self) -> Iterator[Row]:
        """Each row as it comes from the database, in memory that does not grow with them."""
        cells = self.records.values_list(*(pick.cell for pick in self.picks))
        return cells.iterator(chunk_size=ROWS_AT_ONCE)

    def sql(self, *cells: F | Expression) -> tuple[str, Sequence[Any]]:
        """The statement that gives these cells of the records, and its parameters."""
        query = self.records.values_list(*cells).query
        sql, parameters = query.get_compiler(self.records.db).as_sql()
        return sql, parameters


class _Decimal(TextField):  # type: ignore[type-arg]  # Django takes none
    def get_db_converters(self, connection: Any) -> list[Any]:
        """None where the driver gives decimals: a call for each of millions is saved."""
        return [] if connection.vendor == "postgresql" else [_decimal]


def _decimal(value: str | None, *_: object) -> Decimal | None:
    return None if value is None else Decimal(value)


class Tenths(Func):
    """Whole tenths as the decimal that they are: 75 is 7.5.

    SQLite has no decimals: there it is a text, the same that PostgreSQL tells of its own.
    """

    template = "((%(expressions)s / 10) || '.' || (%(expressions)s - %(expressions)s / 10 * 10))"
    output_field = _Decimal()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s * 0.1)")
