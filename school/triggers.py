"""The rules between tables, which the database itself holds by triggers.

A grade's offering and an absence's session are of the class of the enrolment. No foreign
key can say so, and a form is not the only way in. Installed after every migrate, for
SQLite loses a table's triggers whenever a migration rebuilds the table.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connections

# table, and the two columns whose records must be of one class, with their tables
_OF_ONE_CLASS = (
    ("school_grade", "enrolment_id", "school_enrolment", "offering_id", "school_offering"),
    ("school_recoverygrade", "enrolment_id", "school_enrolment", "offering_id", "school_offering"),
    ("school_absence", "enrolment_id", "school_enrolment", "session_id", "school_classsession"),
)  # fmt: skip
MESSAGE = "it is of another class than the enrolment"


def install(using: str, **_: Any) -> None:
    """(Re)create the triggers in that database."""
    connection = connections[using]
    make = _for_postgresql if connection.vendor == "postgresql" else _for_sqlite
    with connection.cursor() as cursor:
        for statement in make():
            cursor.execute(statement)


def _violations() -> Iterator[tuple[str, str, list[str], str]]:
    """Each trigger's name, table, watched columns, and when NEW breaks the rule."""
    for table, one, of_one, two, of_two in _OF_ONE_CLASS:
        yield (
            f"{table}_of_its_class",
            table,
            [one, two],
            f"(SELECT school_class_id FROM {of_one} WHERE id = NEW.{one})"  # noqa: S608  (our own names)
            f" <> (SELECT school_class_id FROM {of_two} WHERE id = NEW.{two})",
        )
        for parent, column in ((of_one, one), (of_two, two)):
            yield (
                f"{parent}_keeps_class_of_{table}",
                parent,
                ["school_class_id"],
                f"EXISTS (SELECT 1 FROM {table} WHERE {column} = OLD.id)"  # noqa: S608
                " AND NEW.school_class_id <> OLD.school_class_id",
            )


def _for_sqlite() -> Iterator[str]:
    for name, table, columns, violation in _violations():
        # OLD is there on update alone, where a parent's class may change.
        events = ["UPDATE OF " + ", ".join(columns)]
        if "OLD." not in violation:
            events.append("INSERT")
        for event in events:
            trigger = f"{name}_{event.split()[0].lower()}"
            yield f"DROP TRIGGER IF EXISTS {trigger}"
            yield (
                f"CREATE TRIGGER {trigger} BEFORE {event} ON {table} WHEN {violation}"
                f" BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            )


def _for_postgresql() -> Iterator[str]:
    for name, table, columns, violation in _violations():
        events = "UPDATE OF " + ", ".join(columns)
        if "OLD." not in violation:
            events = f"INSERT OR {events}"
        yield (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN IF {violation} THEN RAISE EXCEPTION '{MESSAGE}'"
            " USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END $$"
        )
        yield (
            f"CREATE OR REPLACE TRIGGER {name} BEFORE {events} ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {name}()"
        )
