"""UPDATE of one row whose SQL text is built once; it returns the row as it has become."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.sql import UpdateQuery

from school.prepared_row import Parameter

M = TypeVar("M", bound=Model)


class PreparedUpdate(Generic[M]):
    """UPDATE of the rows of a query set that sets these fields.

    Values of the filters and the fields may be a `Parameter`, given at each execution.
    """

    def __init__(self, rows: QuerySet[M], fields: Mapping[str, Any]) -> None:
        self._model = rows.model
        query = cast("Any", rows.query.chain(UpdateQuery))
        query.add_update_values(fields)
        sql, self._parameters = query.get_compiler(connection=connection).as_sql()
        columns = [field.get_col(query.get_initial_alias()) for field in self._fields]
        quote = connection.ops.quote_name
        names = ", ".join(quote(field.column) for field in self._fields)
        self._sql = f"{sql} RETURNING {names}"
        self._converters = [
            (index, converter, column)
            for index, column in enumerate(columns)
            for converter in (
                *connection.ops.get_db_converters(column),
                *column.get_db_converters(connection),
            )
        ]

    @property
    def _fields(self) -> Any:
        return self._model._meta.concrete_fields

    def execute(self, **values: Any) -> M | None:
        """Update the row and return it; None if no row matches the filters."""
        parameters = [
            one.prepare(values) if isinstance(one, Parameter) else one
            for one in self._parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            rows = cursor.fetchall()  # SQLite commits once all are read
        if not rows:
            return None
        row = list(rows[0])
        for index, convert, column in self._converters:
            row[index] = convert(row[index], column, connection)
        names = [field.attname for field in self._fields]
        return self._model.from_db(connection.alias, names, row)
