"""Query of one row whose SQL text is built once: building a large one takes Django milliseconds."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Expression, Field, QuerySet


class Parameter(Expression):
    """Value of a prepared query that is given at each execution."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field)
        self.name = name

    def as_sql(self, _compiler: Any, _connection: Any) -> Any:
        return "%s", [self]

    def prepare(self, values: Mapping[str, Any]) -> Any:
        return self.output_field.get_db_prep_value(values[self.name], connection)


class PreparedRow:
    """SQL text of a query of one row, made by `QuerySet.values`."""

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        compiler = rows.query.get_compiler(connection=connection)
        self._sql, self._parameters = _inline_texts(*compiler.as_sql())
        self._columns = [(name, column) for column, _sql, name in compiler.select]

    def read(self, **values: Any) -> dict[str, Any]:
        """Execute the query with values for its parameters; return the row by column."""
        parameters = [
            one.prepare(values) if isinstance(one, Parameter) else one
            for one in self._parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            row = cursor.fetchone()
        return {
            name: _convert(column, value)
            for (name, column), value in zip(self._columns, row, strict=True)
        }


def _inline_texts(sql: str, parameters: Sequence[Any]) -> tuple[str, list[Any]]:
    """Write constant texts into the SQL: SQLite uses no partial index for `state IN (?, ?)`."""
    first, *parts = re.split("(?<!%)%s", sql)
    text, others = first, []
    for value, part in zip(parameters, parts, strict=True):
        if isinstance(value, str):
            escaped = str(value).replace("'", "''").replace("%", "%%")
            text += f"'{escaped}'{part}"
        else:
            text += f"%s{part}"
            others.append(value)
    return text, others


def _convert(column: Any, value: Any) -> Any:
    """Convert a value of the database driver as Django does."""
    for convert in (
        *connection.ops.get_db_converters(column),
        *column.get_db_converters(connection),
    ):
        value = convert(value, column, connection)
    return value
