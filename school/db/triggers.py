"""The rules between records, which the database itself holds by triggers.

A grade's offering and an absence's session are of the class of the enrolment; a version
of rules never changes, nor do the rules of a closed year. No foreign key can say so, and
a form is not the only way in. Installed after every migrate, for SQLite loses a table's
triggers whenever a migration rebuilds the table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections

# table, and the two columns whose records must be of one class, with their tables
_SAME_CLASS_PAIRS = (
    ("school_grade", "enrolment_id", "school_enrolment", "offering_id", "school_offering"),
    ("school_recoverygrade", "enrolment_id", "school_enrolment", "offering_id", "school_offering"),
    ("school_absence", "enrolment_id", "school_enrolment", "session_id", "school_classsession"),
)  # fmt: skip
CLASS_MISMATCH = "it is of another class than the enrolment"
RULE_VERSION_CHANGED = "a version of rules never changes"
YEAR_CLOSED = "the rules of a closed year stay as they are"


@dataclass(frozen=True)
class _Trigger:
    name: str
    table: str
    events: tuple[str, ...]
    """The last may say of which columns."""
    condition: str
    """When OLD and NEW, which not every event has, break the rule."""
    message: str
    referenced_tables: tuple[str, ...] = ()
    """The other tables that the violation is looked up in."""


def install_triggers(using: str, **_: Any) -> None:
    """(Re)create the triggers in that database, as far as its tables are there."""
    connection = connections[using]
    statements_for = (
        _postgresql_statements
        if connection.vendor == "postgresql"
        else _sqlite_statements
    )
    # Fewer are there once somebody has migrated back.
    existing_tables = set(connection.introspection.table_names())
    triggers = [
        t for t in _triggers() if {t.table, *t.referenced_tables} <= existing_tables
    ]
    with connection.cursor() as cursor:
        for statement in statements_for(triggers):
            cursor.execute(statement)


def drop_triggers(_apps: Any, schema_editor: Any) -> None:
    """Drop them, for a migration that rebuilds a table on SQLite: its first step.

    SQLite refuses to rename a table while a trigger reads one that is not there.
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
    for row, events in (("NEW", ("INSERT", "UPDATE")), ("OLD", ("DELETE", "UPDATE"))):
        yield _Trigger(
            f"school_yearrules_{row.lower()}_year_is_open",
            "school_yearrules",
            events,
            f"(SELECT is_closed FROM school_schoolyear WHERE id = {row}.school_year_id)",  # noqa: S608  (our own names)
            YEAR_CLOSED,
            ("school_schoolyear",),
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
            # A row that goes has no NEW.
            " USING ERRCODE = 'check_violation'; END IF; RETURN COALESCE(NEW, OLD);"
            " END $$"
        )
        yield (
            f"CREATE OR REPLACE TRIGGER {trigger.name} BEFORE {' OR '.join(trigger.events)}"
            f" ON {trigger.table} FOR EACH ROW EXECUTE FUNCTION {trigger.name}()"
        )
