"""Bulk inserts for the demo data."""

from collections.abc import Iterable, Sequence

from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model

from school import models


def insert_rows(
    model: type[Model], field_names: str, rows: Iterable[Sequence[object]]
) -> None:
    """Insert the rows and commit, using COPY on PostgreSQL.

    `field_names` are the field names of each row's values, separated by spaces.
    """
    meta = model._meta
    columns = [str(meta.get_field(name).column) for name in field_names.split()]  # type: ignore[union-attr]
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    table = connection.ops.quote_name(meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            placeholders = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {table} ({names}) VALUES ({placeholders})"  # noqa: S608  (our own names)
            cursor.executemany(statement, rows)  # type: ignore[arg-type]


def reset_sequences() -> None:
    """Reset the id sequences after rows were inserted with explicit ids."""
    tables = [getattr(models, name) for name in models.__all__ if name != "Role"]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)
