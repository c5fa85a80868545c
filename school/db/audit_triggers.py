"""Installation of the triggers of closed years and of the history of grades."""

import re
from typing import Any

from django.db import connections, transaction

from school.db import closed_years, grade_history
from school.db.table_columns import existing_columns

_PARTS = (closed_years, grade_history)
_NAME = re.compile(r"CREATE (?:OR REPLACE )?(TRIGGER|FUNCTION) (\w+)")


def install_audit_triggers(using: str, **_: Any) -> None:
    """Create or replace the triggers whose tables exist, after every `migrate`."""
    connection = connections[using]
    used = [part.used_columns() for part in _PARTS]
    existing = existing_columns(connection, {table for part in used for table in part})
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for part, columns_by_table in zip(_PARTS, used, strict=True):
            # After a backward migration some tables and columns do not exist.
            if not all(
                existing.get(table, frozenset()).issuperset(columns)
                for table, columns in columns_by_table.items()
            ):
                continue
            if connection.vendor == "postgresql":
                # Replacing waits for writers only; dropping would wait for reports too.
                for statement in part.postgresql_statements():
                    cursor.execute(statement)
            else:
                _replace_on_sqlite(cursor, list(part.sqlite_statements()))


def drop_audit_triggers(_apps: Any, schema_editor: Any) -> None:
    """Drop the triggers on PostgreSQL; last step of a migration that drops their tables."""
    if schema_editor.connection.vendor == "postgresql":
        for part in _PARTS:
            for statement in part.postgresql_statements():
                kind, name = _created_object(statement)
                if kind == "FUNCTION":
                    schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}() CASCADE")


def _replace_on_sqlite(cursor: Any, statements: list[str]) -> None:
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    stored = dict(cursor.fetchall())
    for statement in statements:
        _kind, name = _created_object(statement)
        if stored.get(name) != statement:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute(statement)


def _created_object(statement: str) -> tuple[str, str]:
    """Return kind and name of the object that the statement creates."""
    match = _NAME.match(statement)
    assert match is not None, statement  # noqa: S101  (our own statements)
    return match[1], match[2]
