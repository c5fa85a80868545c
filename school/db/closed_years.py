"""Triggers that keep the results of a closed school year, and record its reopening.

While a year is closed, no record that decides its results can be added, changed or deleted.
A year is reopened with a reason. Records of closed years are deleted only by an erasure, see
`school.write_context`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from school.db.write_settings import SETTINGS, ActorSql
from school.models import Offering, YearRules
from school.models.year_records import year_records

CLOSED_YEAR = "the record belongs to a closed year"
REOPENED_WITHOUT_REASON = "a closed year is reopened with a reason only"
CLOSED_YEAR_CHANGED = "a closed year keeps its dates and its network"
_YEAR_FIELDS = ("network_id", "year", "period", "starts_on", "ends_on")


@dataclass(frozen=True)
class _YearTable:
    """Table of records that decide results."""

    name: str
    columns: tuple[str, ...]
    """Columns that decide results."""
    path: tuple[tuple[str, str], ...]
    """Foreign key columns from the record to the year, each with the table it refers to."""

    def year_id(self, row: str) -> str:
        """Return the SQL expression of the year's id of a row."""
        (column, _table), *steps = self.path
        table, expression = _table, f"{row}.{column}"
        for column, next_table in steps:
            expression = f"(SELECT {column} FROM {table} WHERE id = {expression})"  # noqa: S608  (our own names)
            table = next_table
        return expression


def _year_tables() -> Iterator[_YearTable]:
    for record in year_records():
        yield _year_table(record, record.year_path, record.result_fields)
    yield _year_table(
        Offering.grade_levels.through,
        "offering__school_class__school_year",
        ("offering", "gradelevel"),
    )
    yield _year_table(
        YearRules, "school_year", ("school_year", "grade_level", "version")
    )


def _year_table(
    model: type[Model], year_path: str, result_fields: Sequence[str]
) -> _YearTable:
    meta: Any = model._meta
    columns = tuple(meta.get_field(name).column for name in result_fields)
    path = []
    step = meta
    for name in year_path.split("__"):
        field = step.get_field(name)
        step = field.remote_field.model._meta
        path.append((field.column, step.db_table))
    return _YearTable(meta.db_table, columns, tuple(path))


def used_columns() -> Mapping[str, set[str]]:
    """Return the tables that the triggers read or write, with the columns that they need."""
    columns: dict[str, set[str]] = {"school_schoolyearevent": set()}
    for table in _year_tables():
        columns.setdefault(table.name, set()).update(table.columns)
        for _column, name in table.path:
            columns.setdefault(name, set())
    return columns


def sqlite_statements() -> Iterator[str]:
    for table in _year_tables():
        yield from _sqlite_refusals(table)
    erasure, actor = SETTINGS["sqlite"].is_erasure, SETTINGS["sqlite"]
    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _YEAR_FIELDS)
    year = "school_schoolyear"
    yield _sqlite_refusal(
        f"{year}_reopens_with_reason", f"UPDATE OF is_closed ON {year}",
        f"OLD.is_closed AND NOT NEW.is_closed AND TRIM({actor.reason}) = ''",
        REOPENED_WITHOUT_REASON,
    )  # fmt: skip
    yield _sqlite_refusal(
        f"{year}_stays_closed", f"UPDATE OF {', '.join(_YEAR_FIELDS)} ON {year}",
        f"OLD.is_closed AND NEW.is_closed AND ({changed})", CLOSED_YEAR_CHANGED,
    )  # fmt: skip
    yield _sqlite_refusal(
        f"{year}_closed_is_kept", f"DELETE ON {year}",
        f"OLD.is_closed AND NOT {erasure}", CLOSED_YEAR,
    )  # fmt: skip
    for event, condition in (
        ("INSERT", "NEW.is_closed"),
        ("UPDATE OF is_closed", "OLD.is_closed <> NEW.is_closed"),
    ):
        yield (
            f"CREATE TRIGGER {year}_records_{event.split()[0].lower()} AFTER {event} ON {year}"
            f" WHEN {condition} BEGIN {_insert_event(actor)}; END"
        )


def _sqlite_refusals(table: _YearTable) -> Iterator[str]:
    def is_closed(row: str) -> str:
        return (
            f"(SELECT is_closed FROM school_schoolyear WHERE id = {table.year_id(row)})"  # noqa: S608
        )

    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in table.columns)
    name, erasure = f"{table.name}_year_is_open", SETTINGS["sqlite"].is_erasure
    yield _sqlite_refusal(
        f"{name}_insert", f"INSERT ON {table.name}", is_closed("NEW"), CLOSED_YEAR
    )
    yield _sqlite_refusal(
        f"{name}_update", f"UPDATE OF {', '.join(table.columns)} ON {table.name}",
        f"({changed}) AND ({is_closed('OLD')} OR {is_closed('NEW')})", CLOSED_YEAR,
    )  # fmt: skip
    yield _sqlite_refusal(
        f"{name}_delete", f"DELETE ON {table.name}",
        f"{is_closed('OLD')} AND NOT {erasure}", CLOSED_YEAR,
    )  # fmt: skip


def _sqlite_refusal(name: str, event: str, condition: str, message: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {event} WHEN {condition}"
        f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def postgresql_statements() -> Iterator[str]:
    for table in _year_tables():
        yield from _postgresql_refusals(table)
    year, actor = "school_schoolyear", SETTINGS["postgresql"]
    changed = ", ".join(_YEAR_FIELDS)
    old, new = (
        ", ".join(f"{row}.{name}" for name in _YEAR_FIELDS) for row in ("OLD", "NEW")
    )
    yield f"""CREATE OR REPLACE FUNCTION {year}_stays_closed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'DELETE' AND NOT {actor.is_erasure} THEN
            {_raise(CLOSED_YEAR)}
        ELSIF TG_OP = 'DELETE' THEN
            RETURN OLD;
        ELSIF NOT NEW.is_closed AND TRIM({actor.reason}) = '' THEN
            {_raise(REOPENED_WITHOUT_REASON)}
        ELSIF NEW.is_closed AND ({old}) IS DISTINCT FROM ({new}) THEN
            {_raise(CLOSED_YEAR_CHANGED)}
        END IF;
        RETURN NEW;
        END $$"""
    yield (
        f"CREATE OR REPLACE TRIGGER {year}_stays_closed BEFORE UPDATE OF is_closed, {changed} OR DELETE"
        f" ON {year} FOR EACH ROW WHEN (OLD.is_closed) EXECUTE FUNCTION {year}_stays_closed()"
    )
    yield f"""CREATE OR REPLACE FUNCTION {year}_records() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        {_insert_event(actor)};
        RETURN NULL;
        END $$"""
    for event, condition in (
        ("INSERT", "NEW.is_closed"),
        ("UPDATE", "OLD.is_closed <> NEW.is_closed"),
    ):
        yield (
            f"CREATE OR REPLACE TRIGGER {year}_records_{event.lower()} AFTER {event} ON {year}"
            f" FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {year}_records()"
        )


def _postgresql_refusals(table: _YearTable) -> Iterator[str]:
    """Yield the statements of triggers that run once for each statement.

    The years are locked, so that none is closed between this check and the commit.
    """
    columns = ", ".join(("id", *dict.fromkeys((*table.columns, table.path[0][0]))))
    name, erasure = f"{table.name}_year_is_open", SETTINGS["postgresql"].is_erasure
    old, new = f"SELECT {columns} FROM old_rows", f"SELECT {columns} FROM new_rows"  # noqa: S608
    rows = {
        "INSERT": new,
        "UPDATE": f"({old} EXCEPT {new}) UNION ALL ({new} EXCEPT {old})",
        "DELETE": old,
    }
    tables = {
        "INSERT": "NEW TABLE AS new_rows",
        "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "DELETE": "OLD TABLE AS old_rows",
    }
    for event, changed_rows in rows.items():
        is_allowed = (
            f"IF {erasure} THEN RETURN NULL; END IF;" if event == "DELETE" else ""
        )
        function = f"{name}_{event.lower()}"
        yield f"""CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE is_any_closed boolean; BEGIN {is_allowed}
            SELECT bool_or(year.is_closed) INTO is_any_closed FROM (
                SELECT is_closed FROM school_schoolyear WHERE id IN (
                    SELECT {table.year_id("changed")} FROM ({changed_rows}) AS changed
                ) ORDER BY id FOR SHARE
            ) AS year;
            IF is_any_closed THEN {_raise(CLOSED_YEAR)} END IF;
            RETURN NULL;
            END $$"""  # noqa: S608
        yield (
            f"CREATE OR REPLACE TRIGGER {function} AFTER {event} ON {table.name} REFERENCING {tables[event]}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )


def _raise(message: str) -> str:
    return f"RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation';"


def _insert_event(actor: ActorSql) -> str:
    return (
        "INSERT INTO school_schoolyearevent (at, user_id, username, reason, school_year_id, kind)"  # noqa: S608
        f" SELECT {actor.now}, {actor.user_id}, {actor.username}, {actor.note}, NEW.id,"
        " CASE WHEN NEW.is_closed THEN 'closed' ELSE 'reopened' END"
    )
