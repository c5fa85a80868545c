"""Triggers that record changes of grades.

An insertion is recorded if a user or a reason is known. Without both it is the loading of
records: nobody is named, and the value is in the grade, or in the entry of its next change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from school.db.write_settings import SETTINGS, ActorSql

HISTORY = "school_gradechange"
ENTRY_CHANGED = "the history of grades never changes"
_COLUMNS = (
    "at, user_id, username, reason, action, student_id, enrolment_id, school_class_id,"
    " subject_id, term, old_tenths, new_tenths, old_concept, new_concept,"
    " old_recovery_tenths, new_recovery_tenths"
)
_NOTHING = {"tenths": "NULL", "concept": "''", "recovery_tenths": "NULL"}
"""SQL of each column's value where there is no grade."""
_AUDIT_TABLES = (HISTORY, "school_schoolyearevent")


@dataclass(frozen=True)
class _GradeTable:
    name: str
    key: tuple[str, ...]
    """Columns that identify a grade."""
    values: tuple[str, ...]
    """Columns of its value."""

    def term(self, row: str) -> str:
        return f"{row}.term" if "term" in self.key else "NULL"


_GRADE_TABLES = (
    _GradeTable(
        "school_grade",
        ("enrolment_id", "offering_id", "term"),
        ("tenths", "concept", "recovery_tenths"),
    ),
    _GradeTable(
        "school_recoverygrade", ("enrolment_id", "offering_id"), ("tenths", "concept")
    ),
)


def used_columns() -> Mapping[str, set[str]]:
    """Return the tables that the triggers read or write, with the columns that they need."""
    return {
        **{table.name: {*table.key, *table.values} for table in _GRADE_TABLES},
        **{name: set() for name in _AUDIT_TABLES},
        HISTORY: set(_COLUMNS.replace(" ", "").split(",")),
        "school_student": set(),
    }


def sqlite_statements() -> Iterator[str]:
    actor = SETTINGS["sqlite"]
    for table in _GRADE_TABLES:
        name = f"{table.name}_history"
        is_same = " AND ".join(f"OLD.{column} IS NEW.{column}" for column in table.key)
        old, new = (
            {**_NOTHING, **{name: f"{row}.{name}" for name in table.values}}
            for row in ("OLD", "NEW")
        )
        added = _sqlite_insert(table, "NEW", "added", _NOTHING, new)
        deleted = _sqlite_insert(table, "OLD", "deleted", old, _NOTHING)
        changed = _sqlite_insert(table, "NEW", "changed", old, new)
        is_other = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in table.values)
        yield (
            f"CREATE TRIGGER {name}_insert AFTER INSERT ON {table.name}"
            f" WHEN {actor.is_known} BEGIN {added}; END"
        )
        yield (
            f"CREATE TRIGGER {name}_update AFTER UPDATE OF {', '.join(table.values)} ON {table.name}"
            f" WHEN {is_same} AND ({is_other}) BEGIN {changed}; END"
        )
        yield (
            f"CREATE TRIGGER {name}_move AFTER UPDATE OF {', '.join(table.key)} ON {table.name}"
            f" WHEN NOT ({is_same}) BEGIN {deleted}; {added}; END"
        )
        yield (
            f"CREATE TRIGGER {name}_delete AFTER DELETE ON {table.name}"
            f" WHEN NOT {actor.is_erasure} BEGIN {deleted}; END"
        )
    erase = f"DELETE FROM {HISTORY} WHERE student_id = OLD.id"  # noqa: S608
    yield (
        "CREATE TRIGGER school_student_takes_history AFTER DELETE ON school_student"
        f" BEGIN {erase}; END"
    )
    for name in _AUDIT_TABLES:
        yield (
            f"CREATE TRIGGER {name}_never_changes BEFORE UPDATE ON {name}"
            f" BEGIN SELECT RAISE(ABORT, '{ENTRY_CHANGED}'); END"
        )


def _sqlite_insert(
    table: _GradeTable,
    row: str,
    action: str,
    old: Mapping[str, str],
    new: Mapping[str, str],
) -> str:
    values = ", ".join(f"{old[name]}, {new[name]}" for name in _NOTHING)
    return (
        f"INSERT INTO {HISTORY} ({_COLUMNS}) SELECT {_values(SETTINGS['sqlite'])},"  # noqa: S608  (our own names)
        f" '{action}', enrolment.student_id, {row}.enrolment_id, enrolment.school_class_id,"
        f" (SELECT subject_id FROM school_offering WHERE id = {row}.offering_id),"
        f" {table.term(row)}, {values}"
        f" FROM (SELECT 1) LEFT JOIN school_enrolment AS enrolment ON enrolment.id = {row}.enrolment_id"
    )


def postgresql_statements() -> Iterator[str]:
    actor = SETTINGS["postgresql"]
    for table in _GRADE_TABLES:
        name = f"{table.name}_history"
        yield _postgresql_function(table, name)
        for event, rows, condition in (
            ("INSERT", "NEW TABLE AS new_rows", f"WHEN ({actor.is_known})"),
            ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows", ""),
            ("DELETE", "OLD TABLE AS old_rows", f"WHEN (NOT {actor.is_erasure})"),
        ):
            yield (
                f"CREATE OR REPLACE TRIGGER {name}_{event.lower()} AFTER {event} ON {table.name}"
                f" REFERENCING {rows} FOR EACH STATEMENT {condition} EXECUTE FUNCTION {name}()"
            )
    yield f"""CREATE OR REPLACE FUNCTION school_student_takes_history() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
        DELETE FROM {HISTORY} WHERE student_id = OLD.id;
        RETURN NULL;
        END $$"""  # noqa: S608
    yield (
        "CREATE OR REPLACE TRIGGER school_student_takes_history AFTER DELETE ON school_student"
        " FOR EACH ROW EXECUTE FUNCTION school_student_takes_history()"
    )
    yield f"""CREATE OR REPLACE FUNCTION school_audit_never_changes() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
        RAISE EXCEPTION '{ENTRY_CHANGED}' USING ERRCODE = 'check_violation';
        END $$"""
    for name in _AUDIT_TABLES:
        yield (
            f"CREATE OR REPLACE TRIGGER {name}_never_changes BEFORE UPDATE ON {name}"
            " FOR EACH ROW EXECUTE FUNCTION school_audit_never_changes()"
        )


def _postgresql_function(table: _GradeTable, name: str) -> str:
    """Return the function that records all rows of one statement at once."""
    key = ", ".join(table.key)
    columns = f"id, {key}, {', '.join(table.values)}"
    nothing = {
        **_NOTHING,
        "tenths": "NULL::smallint",
        "recovery_tenths": "NULL::smallint",
    }
    own = {**nothing, **{name: name for name in table.values}}

    def pairs(old: Mapping[str, str], new: Mapping[str, str]) -> str:
        return ", ".join(
            f"{old[name]} AS old_{name}, {new[name]} AS new_{name}" for name in nothing
        )

    added = f"SELECT 'added' AS action, {key}, {pairs(nothing, own)} FROM new_rows"  # noqa: S608
    deleted = f"SELECT 'deleted' AS action, {key}, {pairs(own, nothing)} FROM old_rows"  # noqa: S608
    old, new = (
        {
            **nothing,
            **{
                name: f"COALESCE({row}.{name}, {nothing[name]})"
                for name in table.values
            },
        }
        for row in ("o", "n")
    )
    is_other = " OR ".join(f"o.{c} IS DISTINCT FROM n.{c}" for c in table.values)
    is_same = " AND ".join(f"o.{column} = n.{column}" for column in table.key)
    merged_key = ", ".join(f"COALESCE(n.{c}, o.{c}) AS {c}" for c in table.key)
    changed = f"""SELECT CASE WHEN o.id IS NULL THEN 'added' WHEN n.id IS NULL THEN 'deleted'
            ELSE 'changed' END AS action, {merged_key}, {pairs(old, new)}
        FROM (SELECT {columns} FROM old_rows) AS o FULL JOIN (SELECT {columns} FROM new_rows) AS n
        ON {is_same}
        WHERE o.id IS NULL OR n.id IS NULL OR {is_other}"""  # noqa: S608

    def insert(rows: str) -> str:
        return f"""INSERT INTO {HISTORY} ({_COLUMNS})
            SELECT {_values(SETTINGS["postgresql"])}, entry.action, enrolment.student_id,
                entry.enrolment_id, enrolment.school_class_id, offering.subject_id,
                {table.term("entry")}, {", ".join(f"entry.old_{name}, entry.new_{name}" for name in nothing)}
            FROM ({rows}) AS entry
            LEFT JOIN school_enrolment AS enrolment ON enrolment.id = entry.enrolment_id
            LEFT JOIN school_offering AS offering ON offering.id = entry.offering_id;"""  # noqa: S608

    return f"""CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'INSERT' THEN {insert(added)}
        ELSIF TG_OP = 'DELETE' THEN {insert(deleted)}
        ELSE {insert(changed)}
        END IF;
        RETURN NULL;
        END $$"""


def _values(actor: ActorSql) -> str:
    return f"{actor.now}, {actor.user_id}, {actor.username}, {actor.note}"
