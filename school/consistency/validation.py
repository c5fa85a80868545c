"""The rules that a record would break, asked of the database before it is saved."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, router
from django.db.models import Field, Model

from school.consistency.rule import Rule
from school.consistency.rules import rules_for


def find_broken_rules(record: Model, except_names: Iterable[str] = ()) -> list[Rule]:
    """Return the rules that the record breaks as it is, saved or not.

    A rule that reads a missing or invalid value is left out: the value has its own message.
    """
    connection = connections[router.db_for_write(type(record), instance=record)]
    values = dict(_database_values(record, connection))
    rules = [
        rule
        for rule in rules_for(connection.vendor)
        if rule.table == record._meta.db_table
        and rule.name not in except_names
        and _columns_of(rule) <= values.keys()
        and (rule.is_of_stored_rows or not record._state.adding)
    ]
    if not rules:
        return []
    columns = sorted(set().union(*map(_columns_of, rules)))
    casts = ", ".join(f"{values[name][0]} AS {name}" for name in columns)
    sources = f"(SELECT {casts}) record"  # noqa: S608  (our own names)
    parameters = [values[name][1] for name in columns]
    if not all(rule.is_of_stored_rows for rule in rules):
        sources += f", (SELECT * FROM {record._meta.db_table} WHERE id = %s) stored"  # noqa: S608
        parameters.append(record.pk)
    conditions = ", ".join(map(_condition, rules)).replace("%", "%%")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {conditions} FROM {sources}", parameters)  # noqa: S608
        row = cursor.fetchone() or ()
    return [rule for rule, is_broken in zip(rules, row, strict=False) if is_broken]


def find_rules_against_deletion(record: Model) -> list[Rule]:
    """Return the rules that the deletion of the stored record would break."""
    connection = connections[router.db_for_write(type(record), instance=record)]
    table = record._meta.db_table
    broken = []
    with connection.cursor() as cursor:
        for rule in rules_for(connection.vendor):
            if rule.table == table and "DELETE" in rule.events:
                condition = rule.condition_of("stored", "stored").replace("%", "%%")
                cursor.execute(
                    f"SELECT 1 FROM {table} stored WHERE id = %s AND {condition}",  # noqa: S608
                    [record.pk],
                )
                broken += [rule] if cursor.fetchone() else []
    return broken


def _columns_of(rule: Rule) -> set[str]:
    return {*rule.columns, *re.findall(r"\bNEW\.(\w+)", rule.condition)}


def _condition(rule: Rule) -> str:
    condition = f"({rule.condition_of('record', 'stored')})"
    if rule.is_of_stored_rows:
        return condition
    changes = " OR ".join(f"record.{name} <> stored.{name}" for name in rule.columns)
    return f"(({changes}) AND {condition})"


def _database_values(
    record: Model, connection: Any
) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Yield each column with its SQL and parameter, if its value is present and valid."""
    for field in record._meta.concrete_fields:
        value = getattr(record, field.attname)
        if value is None and not field.null and not field.primary_key:
            continue
        try:
            parameter = field.get_db_prep_value(value, connection)
        except (TypeError, ValueError, ValidationError):
            continue
        yield str(field.column), (_cast(field, connection), parameter)


def _cast(field: "Field[Any, Any]", connection: Any) -> str:
    """Return the placeholder; PostgreSQL must know the type of a parameter."""
    if connection.vendor == "postgresql":
        return f"CAST(%s AS {field.cast_db_type(connection)})"
    return "%s"
