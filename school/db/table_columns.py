"""Columns that the tables of a database have; fewer after a migration to an earlier state."""

from collections.abc import Iterable, Mapping
from typing import Any


def existing_columns(
    connection: Any, tables: Iterable[str]
) -> Mapping[str, frozenset[str]]:
    """Return the column names of those of the tables that exist."""
    stored_tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        return {
            table: frozenset(
                column.name
                for column in connection.introspection.get_table_description(
                    cursor, table
                )
            )
            for table in stored_tables.intersection(tables)
        }
