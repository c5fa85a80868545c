"""Faults of the database: its address, version, settings and rights, each with a remedy."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.abc import RV, PQGen
from psycopg.rows import dict_row

from school.db import postgresql_snapshot
from school.db.database_url import session_parameters
from school.db.diagnosis import Diagnosis, diagnose

STATEMENT_TIMEOUT_SECONDS = 5.0
REQUIRED_SETTINGS = {
    # The service's guarded updates rely on it: a stricter level raises errors instead.
    "default_transaction_isolation": "read committed",
    # The formats that the driver reads.
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
    # Otherwise the triggers do not fire that refuse and record changes.
    "session_replication_role": "origin",
}
MAX_NAMED_TABLES = 5
_FACTS = """
    SELECT current_setting('server_version_num')::int AS version,
        current_setting('server_version') AS version_text,
        pg_is_in_recovery() AS is_standby,
        current_setting('default_transaction_read_only') AS is_read_only,
        current_setting('server_encoding') AS encoding,
        current_setting('search_path') AS search_path,
        current_schema() AS schema,
        current_user AS username
"""
_TABLES = """
    SELECT t.name, r.oid IS NULL AS is_missing, ARRAY(
        SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
        WHERE NOT has_table_privilege(r.oid, p)) AS missing_rights
    FROM unnest(%s::text[]) AS t (name)
    CROSS JOIN LATERAL (SELECT to_regclass(quote_ident(t.name))::oid AS oid) AS r
"""


def find_faults(*, with_tables: bool) -> list[Diagnosis]:
    """Return what keeps the service from using its database.

    `with_tables` also looks for missing tables and rights on them: not before `migrate`.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    find = _postgresql_faults if connection.vendor == "postgresql" else _sqlite_faults
    tables = connection.introspection.django_table_names() if with_tables else []
    try:
        return list(find(connection, tables))
    except (psycopg.Error, sqlite3.Error) as error:
        return [diagnose(error)]


class _Probe(psycopg.Connection[dict[str, Any]]):
    """Connection apart from the pool, whose errors hide the reason."""

    def wait(
        self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None
    ) -> RV:
        return super().wait(gen, interval, timeout or STATEMENT_TIMEOUT_SECONDS)


def _postgresql_faults(connection: Any, tables: list[str]) -> Iterator[Diagnosis]:
    options = connection.settings_dict["OPTIONS"]
    parameters = {**connection.get_connection_params(), "autocommit": True}
    with _Probe.connect(**parameters) as probe:
        facts = probe.cursor(row_factory=dict_row).execute(_FACTS).fetchone() or {}
        minimum = connection.features.minimum_database_version[0]
        if facts["version"] < minimum * 10000:
            yield _permanent(
                f"PostgreSQL {minimum} or later is required, and the server is "
                f"{facts['version_text']}.",
                "Upgrade the server, or let DATABASE_URL name another one.",
            )
            return
        yield from _server_faults(facts)
        yield from _setting_faults(probe, facts)
        yield from _address_faults(probe, session_parameters(options))
        with probe.transaction(), probe.cursor() as cursor:
            postgresql_snapshot.begin(cursor, options, timedelta())
        yield from _schema_faults(probe, facts)
        if facts["schema"] is not None:
            yield from _table_faults(probe, tables, facts)


def _permanent(reason: str, remedy: str) -> Diagnosis:
    return Diagnosis(reason, remedy, is_permanent=True)


def _server_faults(facts: Mapping[str, Any]) -> Iterator[Diagnosis]:
    if facts["is_standby"]:
        yield _permanent(
            "The server is a standby, which takes no writes.",
            "Let DATABASE_URL name the primary, or all hosts of the cluster and "
            "?target_session_attrs=read-write.",
        )
    elif facts["is_read_only"] == "on":
        yield _permanent(
            f"The sessions of {facts['username']} are read only "
            "(default_transaction_read_only is on).",
            f"ALTER ROLE {facts['username']} SET default_transaction_read_only = off; if the "
            "provider sets it, its limits (such as a full disk) say why.",
        )
    if facts["encoding"] != "UTF8":
        yield _permanent(
            f"The database has the encoding {facts['encoding']}.",
            "Create it with ENCODING 'UTF8'.",
        )


def _setting_faults(
    probe: psycopg.Connection[Any], facts: Mapping[str, Any]
) -> Iterator[Diagnosis]:
    for name, expected in REQUIRED_SETTINGS.items():
        actual = _setting(probe, name)
        if actual.partition(",")[0].casefold() != expected.casefold():
            yield _permanent(
                f"The sessions of {facts['username']} have {name} = {actual!r}, and need "
                f"{expected!r}.",
                f"Correct it in DATABASE_URL, or ALTER ROLE {facts['username']} SET {name} "
                f"= '{expected}'.",
            )


def _address_faults(
    probe: psycopg.Connection[Any], parameters: Mapping[str, str]
) -> Iterator[Diagnosis]:
    """Yield the parameters of the address that a pooler has dropped on the way."""
    for name, value in parameters.items():
        actual = _setting(probe, name)
        if not _is_kept(probe, name, value, actual):
            yield _permanent(
                f"DATABASE_URL sets {name} = {value!r}, and the session has {actual!r}: a "
                "pooler has dropped the options.",
                f"Leave it out of DATABASE_URL: ALTER ROLE ... SET {name} = '{value}'.",
            )


def _is_kept(
    probe: psycopg.Connection[Any], name: str, value: str, actual: str
) -> bool:
    """Return True if the parameter, set once more, stays as it is.

    So both values are written alike, as in 5000 and 5s.
    """
    try:
        with probe.transaction(force_rollback=True):
            again = probe.execute("SELECT set_config(%s, %s, true)", [name, value])
            return again.fetchone() == (actual,)
    except psycopg.errors.CantChangeRuntimeParam:
        return True  # it can be set at the start of a session only


def _setting(probe: psycopg.Connection[Any], name: str) -> str:
    row = probe.execute("SELECT current_setting(%s, true)", [name]).fetchone()
    return str(row[0]) if row else ""


def _schema_faults(
    probe: psycopg.Connection[Any], facts: Mapping[str, Any]
) -> Iterator[Diagnosis]:
    schema, username = facts["schema"], facts["username"]
    if schema is None:
        yield _permanent(
            f"No schema of search_path ({facts['search_path']}) exists for {username}.",
            f"CREATE SCHEMA, or GRANT USAGE ON SCHEMA ... TO {username}.",
        )
        return
    statement = (
        "SELECT to_regclass('django_migrations') IS NOT NULL"
        " OR has_schema_privilege(current_schema(), 'CREATE')"
    )
    if probe.execute(statement).fetchone() == (False,):
        yield _permanent(
            f"{username} may not create tables in the schema {schema}.",
            f"GRANT CREATE ON SCHEMA {schema} TO {username}.",
        )


def _table_faults(
    probe: psycopg.Connection[Any], tables: list[str], facts: Mapping[str, Any]
) -> Iterator[Diagnosis]:
    rows = probe.execute(_TABLES, [tables]).fetchall()
    if missing := [name for name, is_missing, _rights in rows if is_missing]:
        yield _missing_tables(missing, f"schema {facts['schema']}")
    for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        lacking = [name for name, _missing, rights in rows if right in rights]
        if lacking:
            yield _permanent(
                f"{facts['username']} lacks the right {right} on {_names(lacking)}.",
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "
                f"{facts['schema']} TO {facts['username']}.",
            )


def _missing_tables(names: list[str], place: str) -> Diagnosis:
    return Diagnosis(
        f"Tables are missing in {place}: {_names(names)}.",
        "Run `manage.py migrate`, or correct DATABASE_URL.",
    )


def _names(tables: list[str]) -> str:
    more = len(tables) - MAX_NAMED_TABLES
    names = ", ".join(sorted(tables)[:MAX_NAMED_TABLES])
    return f"{names} and {more} more" if more > 0 else names


def _sqlite_faults(connection: Any, tables: list[str]) -> Iterator[Diagnosis]:
    path = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(path, isolation_level=None)) as probe:
        (mode,) = probe.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            yield _permanent(
                f"SQLite cannot share {path} (its journal mode stays {mode!r}).",
                "Put the file on a local disk, or use PostgreSQL.",
            )
        probe.execute("BEGIN IMMEDIATE")
        probe.execute("ROLLBACK")
        existing = {name for (name,) in probe.execute("SELECT name FROM sqlite_master")}
    if missing := [name for name in tables if name not in existing]:
        yield _missing_tables(missing, str(path))
