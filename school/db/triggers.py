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
_OF_ONE_CLASS = (
    ("school_grade", "enrolment_id", "school_enrolment", "offering_id", "school_offering"),
    ("school_recoverygrade", "enrolment_id", "school_enrolment", "offering_id", "school_offering"),
    ("school_absence", "enrolment_id", "school_enrolment", "session_id", "school_classsession"),
)  # fmt: skip
OTHER_CLASS = "it is of another class than the enrolment"
OTHER_RULES = "a version of rules never changes"
CLOSED = "the rules of a closed year stay as they are"


@dataclass(frozen=True)
class _Trigger:
    name: str
    table: str
    events: tuple[str, ...]
    """The last may say of which columns."""
    violation: str
    """When OLD and NEW, which not every event has, break the rule."""
    message: str
    reads: tuple[str, ...] = ()
    """The other tables that the violation is looked up in."""


def install(using: str, **_: Any) -> None:
    """(Re)create the triggers in that database, as far as its tables are there."""
    connection = connections[using]
    make = _for_postgresql if connection.vendor == "postgresql" else _for_sqlite
    # Fewer are there once somebody has migrated back.
    there = set(connection.introspection.table_names())
    triggers = [t for t in _triggers() if {t.table, *t.reads} <= there]
    with connection.cursor() as cursor:
        for statement in make(triggers):
            cursor.execute(statement)


def remove(_apps: Any, schema_editor: Any) -> None:
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
    yield from _of_one_class()
    yield _Trigger(
        "school_ruleversion_stays",
        "school_ruleversion",
        ("UPDATE",),
        "NEW.content <> OLD.content OR NEW.number <> OLD.number"
        " OR NEW.profile_id <> OLD.profile_id",
        OTHER_RULES,
    )
    for row, events in (("NEW", ("INSERT", "UPDATE")), ("OLD", ("DELETE", "UPDATE"))):
        yield _Trigger(
            f"school_yearrules_{row.lower()}_year_is_open",
            "school_yearrules",
            events,
            f"(SELECT is_closed FROM school_schoolyear WHERE id = {row}.school_year_id)",  # noqa: S608  (our own names)
            CLOSED,
            ("school_schoolyear",),
        )


def _of_one_class() -> Iterator[_Trigger]:
    for table, one, of_one, two, of_two in _OF_ONE_CLASS:
        yield _Trigger(
            f"{table}_of_its_class",
            table,
            ("INSERT", f"UPDATE OF {one}, {two}"),
            f"(SELECT school_class_id FROM {of_one} WHERE id = NEW.{one})"  # noqa: S608
            f" <> (SELECT school_class_id FROM {of_two} WHERE id = NEW.{two})",
            OTHER_CLASS,
            (of_one, of_two),
        )
        for parent, column in ((of_one, one), (of_two, two)):
            yield _Trigger(
                f"{parent}_keeps_class_of_{table}",
                parent,
                ("UPDATE OF school_class_id",),
                f"EXISTS (SELECT 1 FROM {table} WHERE {column} = OLD.id)"  # noqa: S608
                " AND NEW.school_class_id <> OLD.school_class_id",
                OTHER_CLASS,
                (table,),
            )


def _for_sqlite(triggers: Iterable[_Trigger]) -> Iterator[str]:
    for one in triggers:
        for event in one.events:
            name = f"{one.name}_{event.split()[0].lower()}"
            yield f"DROP TRIGGER IF EXISTS {name}"
            yield (
                f"CREATE TRIGGER {name} BEFORE {event} ON {one.table}"
                f" WHEN {one.violation} BEGIN SELECT RAISE(ABORT, '{one.message}'); END"
            )


def _for_postgresql(triggers: Iterable[_Trigger]) -> Iterator[str]:
    for one in triggers:
        yield (
            f"CREATE OR REPLACE FUNCTION {one.name}() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN IF {one.violation} THEN RAISE EXCEPTION '{one.message}'"
            # A row that goes has no NEW.
            " USING ERRCODE = 'check_violation'; END IF; RETURN COALESCE(NEW, OLD);"
            " END $$"
        )
        yield (
            f"CREATE OR REPLACE TRIGGER {one.name} BEFORE {' OR '.join(one.events)}"
            f" ON {one.table} FOR EACH ROW EXECUTE FUNCTION {one.name}()"
        )
