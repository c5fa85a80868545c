"""Statements whose SQL text is built once: building a large one takes Django milliseconds."""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Generic, TypeVar

from django.db import connection, connections
from django.db.models import AutoField, Expression, Field, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery, UpdateQuery

Row = TypeVar("Row")


class Parameter(Expression):
    """Value of a prepared statement that is given at each execution."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field)
        self.name = name

    def as_sql(self, _compiler: Any, _connection: Any) -> Any:
        return "%s", [self]

    def prepare(self, values: Mapping[str, Any]) -> Any:
        return self.output_field.get_db_prep_save(values[self.name], connection)


class PreparedQuery(Generic[Row]):
    """Query of objects or of values, made by a query set with parameters."""

    def __init__(self, rows: "QuerySet[Any, Row]") -> None:
        self._rows = rows
        self._compiler = rows.query.get_compiler(connection=connection)
        self._text = _Text(*self._compiler.as_sql())
        selected = self._compiler.select[: self._compiler.col_count]
        self._converters = self._compiler.get_converters(
            [column for column, _sql, _name in selected]
        )

    def read(self, **values: Any) -> list[Row]:
        """Execute the query with values for its parameters; return its rows."""
        rows = self._rows.all()
        compiler = self._bind(values)
        rows.query.get_compiler = lambda *_args, **_options: compiler  # type: ignore[method-assign]
        return list(rows)

    def read_one(self, **values: Any) -> Row | None:
        """Return the first row; None without rows."""
        return next(iter(self.read(**values)), None)

    def _bind(self, values: Mapping[str, Any]) -> Any:
        """Return a compiler of this connection that has compiled the query already."""
        compiler: Any = copy(self._compiler)
        compiler.connection = connections[connection.alias]
        statement = self._text.sql, self._text.bind(values)
        compiler.as_sql = lambda *_args, **_options: statement
        compiler.get_converters = lambda _expressions: self._converters
        return compiler


class PreparedInsert:
    """INSERT of one row, which replaces the fields of a row that it conflicts with."""

    def __init__(
        self,
        model: type[Model],
        *,
        unique_fields: Sequence[str] = (),
        replaced_fields: Sequence[str] = (),
    ) -> None:
        self._fields = [
            field
            for field in model._meta.concrete_fields
            if not isinstance(field, AutoField)
        ]
        row = model()
        for field in self._fields:
            setattr(row, field.attname, Parameter(field.attname, field))
        get_field = model._meta.get_field
        query = InsertQuery(
            model,
            on_conflict=OnConflict.UPDATE if unique_fields else None,
            unique_fields=[get_field(name) for name in unique_fields],
            update_fields=[get_field(name) for name in replaced_fields],
        )
        query.insert_values(self._fields, [row], raw=True)
        ((sql, parameters),) = query.get_compiler(connection=connection).as_sql()
        self._text = _Text(sql, parameters)

    def execute(self, row: Model) -> None:
        """Insert the row, without the signals and the key of `Model.save`."""
        fields = self._fields
        values = {field.attname: field.pre_save(row, add=True) for field in fields}
        self._text.execute(values)


class PreparedUpdate:
    """UPDATE of the rows of a query set with parameters."""

    def __init__(self, rows: "QuerySet[Any, Any]", **fields: Any) -> None:
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(fields)
        self._text = _Text(*query.get_compiler(connection=connection).as_sql())

    def execute(self, **values: Any) -> int:
        """Execute it with values for its parameters; return the number of rows."""
        return self._text.execute(values)


class _Text:
    """SQL text with its parameters, some of which are given at each execution."""

    def __init__(self, sql: str, parameters: Sequence[Any]) -> None:
        self.sql, self.parameters = _inline_texts(sql, parameters)

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(
            one.prepare(values) if isinstance(one, Parameter) else one
            for one in self.parameters
        )

    def execute(self, values: Mapping[str, Any]) -> int:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.bind(values))
            count: int = cursor.rowcount
            return count


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
