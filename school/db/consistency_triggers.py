"""Triggers for the rules of `school.consistency`, and the search for rows that break them.

The triggers look at new and changed records only: rows of earlier releases stay as they are,
may be changed otherwise, and are named by `find_mismatches`. Like the other triggers they are
installed after every `migrate`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.db import connections

from school.consistency.rule import Rule
from school.consistency.rules import rules_for
from school.db.table_columns import existing_columns

MAX_IDS = 20
"""Ids that are listed of the rows that break a rule."""


class Mismatches(NamedTuple):
    """Stored rows that break a rule."""

    table: str
    message: str
    row_count: int
    first_ids: list[int]


def install_triggers(using: str, **_: Any) -> None:
    """Create or replace the triggers whose tables exist in the database `using`."""
    connection = connections[using]
    existing_tables = set(connection.introspection.table_names())
    rules = [r for r in rules_for(connection.vendor) if r.table in existing_tables]
    columns = existing_columns(connection, {rule.table for rule in rules})
    is_postgresql = connection.vendor == "postgresql"
    create = _create_on_postgresql if is_postgresql else _create_on_sqlite
    with connection.cursor() as cursor:
        for rule in rules:
            for statement in _drop_statements(rule, is_postgresql=is_postgresql):
                cursor.execute(statement)
            # After a backward migration some tables and columns do not exist.
            is_possible = rule.tables <= existing_tables
            if is_possible and columns[rule.table].issuperset(rule.columns):
                for statement in create(rule):
                    cursor.execute(statement)


def drop_triggers(_apps: Any, schema_editor: Any) -> None:
    """Drop the triggers; first step of a migration, and the last of one backwards."""
    connection = schema_editor.connection
    existing_tables = set(connection.introspection.table_names())
    is_postgresql = connection.vendor == "postgresql"
    for rule in rules_for(connection.vendor):
        if rule.table in existing_tables:
            for statement in _drop_statements(rule, is_postgresql=is_postgresql):
                schema_editor.execute(statement)


def find_mismatches(using: str) -> Iterator[Mismatches]:
    """Yield for each rule the stored rows that break it, if there are any."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for rule in rules_for(connection.vendor):
            if not rule.is_of_stored_rows:
                continue
            table = connection.ops.quote_name(rule.table)
            cursor.execute(
                f"SELECT record.id FROM {table} record"  # noqa: S608  (our own rules)
                f" WHERE {rule.condition_of('record')} ORDER BY record.id"
            )
            ids = [id for (id,) in cursor.fetchall()]
            if ids:
                yield Mismatches(rule.table, rule.message, len(ids), ids[:MAX_IDS])


def report_mismatches(
    using: str, verbosity: int, plan: Iterable[Any] = (), **_: Any
) -> None:
    """Name the rows that break a rule, after each `migrate` that changed something."""
    existing_tables = set(connections[using].introspection.table_names())
    vendor = connections[using].vendor
    is_complete = all(rule.tables <= existing_tables for rule in rules_for(vendor))
    if not (verbosity and plan and is_complete):
        return
    for line in describe(find_mismatches(using)):
        print(line)


def describe(mismatches: Iterable[Mismatches]) -> Iterator[str]:
    """Yield a line for each rule that stored rows break."""
    for table, message, row_count, first_ids in mismatches:
        more = ", ..." if row_count > len(first_ids) else ""
        ids = ", ".join(map(str, first_ids))
        yield f"{table}: {row_count} row(s) from before this check: {message} Ids: {ids}{more}"


def _name(rule: Rule, event: str) -> str:
    return f"school_rule_{rule.name}_{event.lower()}"


def _drop_statements(rule: Rule, *, is_postgresql: bool) -> Iterator[str]:
    for event in rule.events:
        table = f" ON {rule.table}" if is_postgresql else ""
        yield f"DROP TRIGGER IF EXISTS {_name(rule, event)}{table}"


def _changes(rule: Rule, operator: str) -> str:
    changes = (f"NEW.{name} {operator} OLD.{name}" for name in rule.columns)
    return f"({' OR '.join(changes)})"


def _create_on_sqlite(rule: Rule) -> Iterator[str]:
    for event in rule.events:
        condition = rule.condition
        when = event
        if event == "UPDATE":
            condition = f"{_changes(rule, 'IS NOT')} AND ({condition})"
            when = f"UPDATE OF {', '.join(rule.columns)}"
        yield (
            f"CREATE TRIGGER {_name(rule, event)} BEFORE {when} ON {rule.table}"
            f" WHEN {condition} BEGIN SELECT RAISE(ABORT, '{rule.message}'); END"
        )


def _create_on_postgresql(rule: Rule) -> Iterator[str]:
    for event in rule.events:
        name, condition, result = _name(rule, event), rule.condition, "NEW"
        when, scope, settings = f"BEFORE {event}", "FOR EACH ROW", ""
        if event == "INSERT":
            # One query for a whole COPY; called for each row, it took several times longer.
            # CASE keeps the planner from joining whole tables, and the function's setting from
            # reading them: the plan, made when they are empty, stays in the session.
            condition = (
                "EXISTS (SELECT 1 FROM inserted WHERE"  # noqa: S608
                f" CASE WHEN {rule.condition_of('inserted')} THEN TRUE ELSE FALSE END)"
            )
            when = "AFTER INSERT"
            scope = "REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT"
            settings = " SET enable_seqscan = off"
            result = "NULL"
        elif event == "UPDATE":
            condition = f"{_changes(rule, 'IS DISTINCT FROM')} AND ({condition})"
            when = f"BEFORE UPDATE OF {', '.join(rule.columns)}"
        else:
            result = "OLD"
        yield (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql{settings}"
            " AS $$"
            f" BEGIN IF {condition} THEN RAISE EXCEPTION '{rule.message}'"
            f" USING ERRCODE = 'check_violation'; END IF; RETURN {result}; END $$"
        )
        yield (
            f"CREATE TRIGGER {name} {when} ON {rule.table} {scope}"
            f" EXECUTE FUNCTION {name}()"
        )
