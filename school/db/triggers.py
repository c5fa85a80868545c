"""Database triggers for constraints between records.

The offering of a grade and the session of an absence belong to the class of the enrolment;
rule versions never change. Foreign keys cannot express this, and not every write goes
through a form. The triggers are installed after every `migrate`, because SQLite drops the
triggers of a table that a migration rebuilds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections

# (table, first column, its table, second column, its table): the records that both columns
# refer to must belong to the same class
_SAME_CLASS_PAIRS = (
    ("school_grade", "enrolment_id", "school_enrolment", "offering_id", "school_offering"),
    ("school_recoverygrade", "enrolment_id", "school_enrolment", "offering_id", "school_offering"),
    ("school_exemption", "enrolment_id", "school_enrolment", "offering_id", "school_offering"),
    ("school_absence", "enrolment_id", "school_enrolment", "session_id", "school_classsession"),
)  # fmt: skip
CLASS_MISMATCH = "the record belongs to another class than the enrolment"
RULE_VERSION_CHANGED = "a rule version never changes"


@dataclass(frozen=True)
class _Trigger:
    name: str
    table: str
    events: tuple[str, ...]
    """SQL events; only the last one may name columns."""
    condition: str
    """SQL condition of a violation; OLD or NEW is missing in some events."""
    message: str
    referenced_tables: tuple[str, ...] = ()
    """Other tables that the condition reads."""


def install_triggers(using: str, **_: Any) -> None:
    """Create or replace the triggers whose tables exist in the database `using`."""
    connection = connections[using]
    statements_for = (
        _postgresql_statements
        if connection.vendor == "postgresql"
        else _sqlite_statements
    )
    # After a backward migration some tables do not exist.
    existing_tables = set(connection.introspection.table_names())
    triggers = [
        t for t in _triggers() if {t.table, *t.referenced_tables} <= existing_tables
    ]
    with connection.cursor() as cursor:
        for statement in statements_for(triggers):
            cursor.execute(statement)


def drop_triggers(_apps: Any, schema_editor: Any) -> None:
    """Drop all triggers on SQLite; first step of a migration that rebuilds a table.

    SQLite refuses to rename a table while a trigger reads a missing table.
    """
    if schema_editor.connection.vendor != "sqlite":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master"
            " WHERE type = 'trigger' AND tbl_name LIKE 'school\\_%' ESCAPE '\\'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {schema_editor.quote_name(name)}")


def _triggers() -> Iterator[_Trigger]:
    yield from _same_class_triggers()
    yield _Trigger(
        "school_ruleversion_stays",
        "school_ruleversion",
        ("UPDATE",),
        "NEW.content <> OLD.content OR NEW.number <> OLD.number"
        " OR NEW.profile_id <> OLD.profile_id",
        RULE_VERSION_CHANGED,
    )


def _same_class_triggers() -> Iterator[_Trigger]:
    for (
        table,
        first_column,
        first_table,
        second_column,
        second_table,
    ) in _SAME_CLASS_PAIRS:
        yield _Trigger(
            f"{table}_of_its_class",
            table,
            ("INSERT", f"UPDATE OF {first_column}, {second_column}"),
            f"(SELECT school_class_id FROM {first_table} WHERE id = NEW.{first_column})"  # noqa: S608
            f" <> (SELECT school_class_id FROM {second_table} WHERE id = NEW.{second_column})",
            CLASS_MISMATCH,
            (first_table, second_table),
        )
        for parent, column in (
            (first_table, first_column),
            (second_table, second_column),
        ):
            yield _Trigger(
                f"{parent}_keeps_class_of_{table}",
                parent,
                ("UPDATE OF school_class_id",),
                f"EXISTS (SELECT 1 FROM {table} WHERE {column} = OLD.id)"  # noqa: S608
                " AND NEW.school_class_id <> OLD.school_class_id",
                CLASS_MISMATCH,
                (table,),
            )


def _sqlite_statements(triggers: Iterable[_Trigger]) -> Iterator[str]:
    for trigger in triggers:
        for event in trigger.events:
            name = f"{trigger.name}_{event.split()[0].lower()}"
            yield f"DROP TRIGGER IF EXISTS {name}"
            yield (
                f"CREATE TRIGGER {name} BEFORE {event} ON {trigger.table}"
                f" WHEN {trigger.condition} BEGIN SELECT RAISE(ABORT, '{trigger.message}'); END"
            )


def _postgresql_statements(triggers: Iterable[_Trigger]) -> Iterator[str]:
    for trigger in triggers:
        yield (
            f"CREATE OR REPLACE FUNCTION {trigger.name}() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN IF {trigger.condition} THEN RAISE EXCEPTION '{trigger.message}'"
            # NEW is null for a deleted row.
            " USING ERRCODE = 'check_violation'; END IF; RETURN COALESCE(NEW, OLD);"
            " END $$"
        )
        yield (
            f"CREATE OR REPLACE TRIGGER {trigger.name} BEFORE {' OR '.join(trigger.events)}"
            f" ON {trigger.table} FOR EACH ROW EXECUTE FUNCTION {trigger.name}()"
        )
