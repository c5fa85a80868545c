"""Rows as they come, of a statement that the database plans as one whose rows are all wanted."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

CHUNK_SIZE = 2000


def stream_values(queryset: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a `values_list`, in memory that does not grow with them.

    Django's `iterator()` asks by a cursor, for which PostgreSQL plans no parallel work. Until
    the last row is read the connection can be asked nothing else, and no field converts
    its cells: they are as the driver gives them.
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
