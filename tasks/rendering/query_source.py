"""Rows that are one query: read one by one, or handed over for the database to write."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Expression, F, Func, Model, Q, QuerySet, TextField

from school.db.streaming import CHUNK_SIZE
from tasks.rendering.columns import Column, Row


@dataclass(frozen=True)
class ExportField:
    """A column, and where its cells are found from a record."""

    column: Column
    relation_path: str
    """The relations that lead to the record that has it; blank where it is the first."""
    build_expression: Callable[[str], F | Expression]
    """The cell, given what stands before the names of fields; a decimal's is `Tenths`."""

    @property
    def expression(self) -> F | Expression:
        return self.build_expression(
            f"{self.relation_path}__" if self.relation_path else ""
        )

    def may_match(self, pattern: str, model: type[Model]) -> bool:
        """Whether a text in this column may be null, or match the regular expression.

        `model` is that of the records. All of the table that has the text is looked at, also
        what nobody will be shown: a name stands in it once, and in an export a thousand times.
        """
        for relation in self.relation_path.split("__") if self.relation_path else ():
            model = model._meta.get_field(relation).related_model  # type: ignore[assignment]
        texts = model._default_manager.order_by().alias(text=self.build_expression(""))
        exists: bool = texts.filter(Q(text__regex=pattern) | Q(text=None)).exists()
        return exists


@dataclass(frozen=True)
class QuerySource:
    """Records in a total order, and the cells of each."""

    records: QuerySet[Any]
    fields: Sequence[ExportField]

    @cached_property
    def count(self) -> int:
        return self.records.count()

    def rows(self) -> Iterator[Row]:
        """Each row as it comes from the database, in memory that does not grow with them."""
        values = self.records.values_list(*(pick.expression for pick in self.fields))
        return values.iterator(chunk_size=CHUNK_SIZE)

    def compile_sql(self, *expressions: F | Expression) -> tuple[str, Sequence[Any]]:
        """The statement that gives these cells of the records, and its parameters."""
        query = self.records.values_list(*expressions).query
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
