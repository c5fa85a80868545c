"""Triggers that keep the key of a class's grade levels right."""

from collections.abc import Iterator
from typing import Any

from django.db import connections

from school.consistency.level_keys import CLASSES, HOLD, LEVELS, key_sql

_NAMES = {
    "school_class_levels_insert": (LEVELS, "INSERT", "NEW.schoolclass_id"),
    "school_class_levels_update": (LEVELS, "UPDATE", "NEW.schoolclass_id"),
    "school_class_levels_move": (LEVELS, "UPDATE", "OLD.schoolclass_id"),
    "school_class_levels_delete": (LEVELS, "DELETE", "OLD.schoolclass_id"),
    "school_class_key_insert": (CLASSES, "INSERT", "NEW.id"),
    "school_class_key_update": (CLASSES, "UPDATE OF levels_key", "NEW.id"),
}
"""Triggers by name, with their table, event and the id of the class."""


def install_triggers(using: str, **_: Any) -> None:
    """Create or replace the triggers if the column exists in the database `using`."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if not _has_key(connection, cursor):
            return
        for statement in _statements(connection.vendor):
            cursor.execute(statement)


def drop_triggers(_apps: Any, schema_editor: Any) -> None:
    """Drop the triggers; the last step of a migration backwards."""
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for name, (table, _event, _id) in _NAMES.items():
        of_table = f" ON {table}" if is_postgresql else ""
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{of_table}")


def fill_keys(_apps: Any, schema_editor: Any) -> None:
    """Set the keys of all classes; a step of the migration that adds the column."""
    key = key_sql(schema_editor.connection.vendor, f"{CLASSES}.id")
    schema_editor.execute(f"UPDATE {CLASSES} SET levels_key = {key}")  # noqa: S608  (our own names)


def _has_key(connection: Any, cursor: Any) -> bool:
    if CLASSES not in connection.introspection.table_names(cursor):
        return False
    columns = connection.introspection.get_table_description(cursor, CLASSES)
    return "levels_key" in {column.name for column in columns}


def _statements(vendor: str) -> Iterator[str]:
    for name, (table, event, class_id) in _NAMES.items():
        key = key_sql(vendor, class_id)
        # A saved object may carry an old key; the comparison ends the recursion.
        update = (
            f"UPDATE {CLASSES} SET levels_key = {key} WHERE id = {class_id}"  # noqa: S608
            f" AND levels_key NOT LIKE '{HOLD}%' AND levels_key <> {key};"
        )
        if vendor == "postgresql":
            yield (
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
                f" AS $$ BEGIN {update} RETURN NULL; END $$"
            )
            yield (
                f"CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
        else:
            yield f"DROP TRIGGER IF EXISTS {name}"
            yield (f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {update} END")
