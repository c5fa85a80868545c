"""Rows into a table as fast as the database takes them."""

from collections.abc import Iterable, Sequence

from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model

from school import models


def insert_rows(
    model: type[Model], field_names: str, rows: Iterable[Sequence[object]]
) -> None:
    """Insert and commit; by COPY where the database has it.

    `fields` are the names of the rows' fields, a space between.
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
    """After rows were given their ids: let the next ones come after them."""
    tables = [getattr(models, name) for name in models.__all__ if name != "Role"]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)
