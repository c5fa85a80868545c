"""Rows given by one query, read one by one or written by the database."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import connections
from django.db.models import (
    Case,
    Expression,
    F,
    Func,
    Model,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)

from school.db.streaming import CHUNK_SIZE
from tasks.rendering.columns import Column, Row


@dataclass(frozen=True)
class ExportField:
    """A column and the expression of its cells, relative to a record."""

    column: Column
    relation_path: str
    """Lookup to the related record that has the value; blank for the record itself."""
    build_expression: Callable[[str], F | Expression]
    """Builds the cell's expression from a prefix of field names; decimals use `Tenths`."""
    hidden_if: Q | None = None
    """Condition of the records whose cell is `hidden_value`."""
    hidden_value: str | None = None

    @property
    def expression(self) -> F | Expression:
        value = self.build_expression(
            f"{self.relation_path}__" if self.relation_path else ""
        )
        if self.hidden_if is None:
            return value
        return Case(When(self.hidden_if, then=Value(self.hidden_value)), default=value)

    def may_match(self, pattern: str, model: type[Model]) -> bool:
        """Return True if a text of this column may be null or match the regular expression.

        `model` is the model of the records. The check reads the whole table that has the text
        and not only the exported rows: a name is in it once, but in an export a thousand times.
        """
        if self.hidden_if is not None:
            return True
        for relation in self.relation_path.split("__") if self.relation_path else ():
            model = model._meta.get_field(relation).related_model  # type: ignore[assignment]
        records = model._default_manager.order_by()
        texts = records.annotate(text=self.build_expression("")).values("text")
        # Each text once, also for SQLite's planner: a concept is in millions of grades, and
        # the comparison is slow.
        sql, parameters = texts.distinct().query.sql_with_params()
        connection = connections[texts.db]
        matches = connection.operators["regex"]  # type: ignore[attr-defined]
        statement = (
            f"WITH texts AS MATERIALIZED ({sql}) SELECT EXISTS "  # noqa: S608  (Django's SQL)
            f"(SELECT 1 FROM texts WHERE text {matches} OR text IS NULL)"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [*parameters, pattern])
            return bool(cursor.fetchone()[0])


@dataclass(frozen=True)
class QuerySource:
    """Records in a total order and the fields of each row."""

    records: QuerySet[Any]
    fields: Sequence[ExportField]

    @cached_property
    def count(self) -> int:
        return self.records.count()

    def rows(self) -> Iterator[Row]:
        """Yield each row as it comes from the database, in constant memory."""
        values = self.records.values_list(*(field.expression for field in self.fields))
        return values.iterator(chunk_size=CHUNK_SIZE)

    def compile_sql(self, *expressions: F | Expression) -> tuple[str, Sequence[Any]]:
        """Return the SQL that selects the expressions of the records, and its parameters."""
        query = self.records.values_list(*expressions).query
        sql, parameters = query.get_compiler(self.records.db).as_sql()
        return sql, parameters


class _Decimal(TextField):  # type: ignore[type-arg]  # Django takes none
    def get_db_converters(self, connection: Any) -> list[Any]:
        """Return no converter if the driver returns decimals: saves a call per cell."""
        return [] if connection.vendor == "postgresql" else [_decimal]


def _decimal(value: str | None, *_: object) -> Decimal | None:
    return None if value is None else Decimal(value)


class Tenths(Func):
    """Integer tenths as a decimal: 75 becomes 7.5.

    SQLite has no decimals: its value is the text that PostgreSQL gives for its decimal.
    """

    template = "((%(expressions)s / 10) || '.' || (%(expressions)s - %(expressions)s / 10 * 10))"
    output_field = _Decimal()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s * 0.1)")
