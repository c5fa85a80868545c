"""Statements whose SQL text is built once: building a large one takes Django milliseconds."""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db import connection, connections
from django.db.models import AutoField, Expression, Field, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery, UpdateQuery

Row = TypeVar("Row")
M = TypeVar("M", bound=Model)


class Parameter(Expression):
    """Value of a prepared statement that is given at each execution."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field)
        self.name = name

    def as_sql(self, _compiler: Any, _connection: Any) -> Any:
        return "%s", [self]

    def prepare(self, values: Mapping[str, Any], database: Any) -> Any:
        return self.output_field.get_db_prep_save(values[self.name], database)


class PreparedQuery(Generic[Row]):
    """Query of objects or of values, made by a query set with parameters."""

    def __init__(self, rows: "QuerySet[Any, Row]") -> None:
        self._iterable_class: Any = rows._iterable_class
        self._query = rows.query
        self._compiler = rows.query.get_compiler(connection=connection)
        self._text = _Text(*self._compiler.as_sql())
        selected = self._compiler.select[: self._compiler.col_count]
        self._converters = self._compiler.get_converters(
            [column for column, _sql, _name in selected]
        )

    def read(self, **values: Any) -> list[Row]:
        """Execute the query with values for its parameters; return its rows."""
        database = connections[connection.alias]
        compiler: Any = copy(self._compiler)
        statement = self._text.sql, self._text.bind(values, database)
        compiler.connection = database
        compiler.as_sql = lambda *_args, **_options: statement
        compiler.get_converters = lambda _expressions: self._converters
        query: Any = copy(self._query)
        query.get_compiler = lambda *_args, **_options: compiler
        return list(self._iterable_class(_CompiledRows(query, database.alias)))

    def read_one(self, **values: Any) -> Row | None:
        """Return the first row; None without rows."""
        return next(iter(self.read(**values)), None)


@dataclass(frozen=True)
class _CompiledRows:
    """The parts of a query set that its iterable reads, with a query that is compiled."""

    query: Any
    db: str
    _known_related_objects: Mapping[str, Any] = field(default_factory=dict)


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
            one for one in model._meta.concrete_fields if not isinstance(one, AutoField)
        ]
        row = model()
        for one in self._fields:
            setattr(row, one.attname, Parameter(one.attname, one))
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
        self._text.execute(
            {one.attname: one.pre_save(row, add=True) for one in self._fields}
        )


class PreparedUpdate:
    """UPDATE of the rows of a query set; its filters and fields may be parameters."""

    def __init__(self, rows: "QuerySet[Any, Any]", fields: Mapping[str, Any]) -> None:
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(fields)
        self._query = query
        self._text = _Text(*query.get_compiler(connection=connection).as_sql())

    def execute(self, **values: Any) -> int:
        """Execute it with values for its parameters; return the number of rows."""
        return self._text.execute(values)


class PreparedRowUpdate(PreparedUpdate, Generic[M]):
    """UPDATE of one row, which returns the row as it has become."""

    def __init__(self, rows: "QuerySet[M, Any]", fields: Mapping[str, Any]) -> None:
        super().__init__(rows, fields)
        self._model = rows.model
        concrete_fields: Any = rows.model._meta.concrete_fields
        self._names = [one.attname for one in concrete_fields]
        quote = connection.ops.quote_name
        columns = ", ".join(quote(one.column) for one in concrete_fields)
        self._text.sql += f" RETURNING {columns}"
        alias = self._query.get_initial_alias()
        self._converters = [
            (index, converter, column)
            for index, column in enumerate(
                one.get_col(alias) for one in concrete_fields
            )
            for converter in (
                *connection.ops.get_db_converters(column),
                *column.get_db_converters(connection),
            )
        ]

    def update(self, **values: Any) -> M | None:
        """Update the row and return it; None if no row matches the filters."""
        database = connections[connection.alias]
        with database.cursor() as cursor:
            cursor.execute(self._text.sql, self._text.bind(values, database))
            rows = cursor.fetchall()  # SQLite commits once all are read
        if not rows:
            return None
        row = list(rows[0])
        for index, convert, column in self._converters:
            row[index] = convert(row[index], column, database)
        return self._model.from_db(database.alias, self._names, row)


class _Text:
    """SQL text with its parameters, some of which are given at each execution."""

    def __init__(self, sql: str, parameters: Sequence[Any]) -> None:
        self.sql, self.parameters = _inline_texts(sql, parameters)

    def bind(self, values: Mapping[str, Any], database: Any) -> tuple[Any, ...]:
        return tuple(
            one.prepare(values, database) if isinstance(one, Parameter) else one
            for one in self.parameters
        )

    def execute(self, values: Mapping[str, Any]) -> int:
        database = connections[connection.alias]
        with database.cursor() as cursor:
            cursor.execute(self.sql, self.bind(values, database))
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
