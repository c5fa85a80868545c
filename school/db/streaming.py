"""Row streaming with a query plan made for reading all rows."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import IntegerField, QuerySet

CHUNK_SIZE = 2000


class RawIntegerField(IntegerField):  # type: ignore[type-arg]  # Django takes none
    """An integer returned as the driver gives it, without Django's converter call per cell."""

    def get_internal_type(self) -> str:
        return "RawIntegerField"


def stream_values(queryset: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a `values_list` in constant memory.

    Django's `iterator()` uses a server-side cursor, for which PostgreSQL plans no parallel
    work. Until the last row is read the connection can run no other statement. Values are
    those of the driver, without conversion by Django fields.
    """
    connection = connections[queryset.db]
    try:
        sql, parameters = queryset.query.get_compiler(queryset.db).as_sql()
    except EmptyResultSet:
        return
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            yield from cursor.stream(sql, parameters, size=CHUNK_SIZE)
        else:
            cursor.execute(sql, parameters)
            yield from cursor
