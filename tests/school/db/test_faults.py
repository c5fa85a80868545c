"""Faults of the database that keep a process from starting, each with its remedy."""

import uuid

import psycopg
import pytest
from django.core.checks import run_checks
from django.db import connection

from school.db.faults import find_faults
from school.runtime.embedded_redis import free_port
from tests.support.environment import DATABASE

pytestmark = pytest.mark.django_db(transaction=True)
needs_postgresql = pytest.mark.skipif(
    DATABASE != "postgresql", reason="needs PostgreSQL"
)


@pytest.fixture
def change(monkeypatch):
    """Function that changes the settings of the default connection."""

    def change(**values: str) -> None:
        for name, value in values.items():
            target = connection.settings_dict
            monkeypatch.setitem(
                target if name.isupper() else target["OPTIONS"], name, value
            )

    return change


@pytest.fixture
def role():
    """A role without rights, in whose name a connection is made."""
    name = f"role_{uuid.uuid4().hex[:8]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN")
        yield name
        cursor.execute(f"DROP OWNED BY {name}")
        cursor.execute(f"DROP ROLE {name}")


def the_fault(*, with_tables: bool = True):
    (fault,) = find_faults(with_tables=with_tables)
    return fault


def test_usable_database_has_no_faults():
    assert find_faults(with_tables=True) == []


@needs_postgresql
@pytest.mark.parametrize(
    "options",
    ["-c statement_timeout=5000", "-c search_path=public,pg_temp", "-c log_disconnections=on"],
)  # fmt: skip
def test_options_that_are_kept_are_no_fault(change, options):
    change(options=options)

    assert find_faults(with_tables=True) == []


@needs_postgresql
@pytest.mark.guarantee("A database that cannot be used is named with its remedy.")
@pytest.mark.parametrize(
    ("values", "reason", "remedy"),
    [
        ({"NAME": "missing"}, 'database "missing" does not exist', "Create the database"),
        ({"USER": "nobody"}, 'role "nobody" does not exist', "user and password"),
        ({"sslmode": "wrong"}, "invalid sslmode value", "this parameter"),
        ({"connect_timeout": "long"}, "bad value for connect_timeout", "this parameter"),
        ({"options": "wrong"}, "invalid command-line argument", "this parameter"),
        ({"options": "-c role=nobody"}, 'role "nobody" does not exist', "user and password"),
        (
            {"options": "-c session_replication_role=replica"},
            "have session_replication_role = 'replica'",
            "= 'origin'",
        ),
        ({"options": "-c wrong=1"}, "unrecognized configuration parameter", "this parameter"),
        ({"options": "-c search_path=none"}, "No schema of search_path (none)", "CREATE SCHEMA"),
        ({"options": "-c datestyle=German"}, "datestyle = 'German, DMY'", "SET datestyle = 'ISO'"),
        (
            {"options": "-c default_transaction_isolation=serializable"},
            "have default_transaction_isolation = 'serializable'",
            "= 'read committed'",
        ),
        (
            {"options": "-c default_transaction_read_only=on"},
            "are read only",
            "SET default_transaction_read_only = off",
        ),
    ],
)  # fmt: skip
def test_wrong_address_is_a_fault_with_its_remedy(change, values, reason, remedy):
    change(**values)

    fault = the_fault()

    assert reason in fault.reason
    assert remedy in fault.remedy
    assert fault.is_permanent


@needs_postgresql
@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"HOST": "127.0.0.1", "PORT": str(free_port())}, "Start PostgreSQL"),
        ({"HOST": "database.invalid"}, "Correct the host"),
    ],
)
def test_database_that_does_not_answer_may_come_back(change, values, remedy):
    change(**values)

    fault = the_fault()

    assert remedy in fault.remedy
    assert fault.is_outage


@needs_postgresql
def test_missing_right_on_tables_is_named(change, role):
    with connection.cursor() as cursor:
        cursor.execute(
            f"GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        )
    change(USER=role)

    fault = the_fault()

    assert f"{role} lacks the right UPDATE on auth_group" in fault.reason
    assert fault.remedy.startswith("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES")


@needs_postgresql
def test_missing_right_to_create_tables_is_named_before_migrate(change, role):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {role}_schema")
        cursor.execute(f"GRANT USAGE ON SCHEMA {role}_schema TO {role}")
    change(USER=role, options=f"-c search_path={role}_schema")
    try:
        fault = the_fault(with_tables=False)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {role}_schema")

    assert fault.reason == f"{role} may not create tables in the schema {role}_schema."
    assert fault.remedy == f"GRANT CREATE ON SCHEMA {role}_schema TO {role}."


@needs_postgresql
def test_tables_outside_of_search_path_are_missing(change):
    change(options="-c search_path=pg_catalog")

    fault = the_fault()

    assert fault.reason.startswith(
        "Tables are missing in schema pg_catalog: auth_group"
    )
    assert "manage.py migrate" in fault.remedy
    assert not fault.is_permanent


@needs_postgresql
def test_old_server_is_named_with_the_required_version(monkeypatch):
    monkeypatch.setattr(connection.features, "minimum_database_version", (99,))

    assert the_fault().reason.startswith("PostgreSQL 99 or later is required")


@pytest.mark.skipif(DATABASE != "sqlite", reason="needs SQLite")
@pytest.mark.parametrize("content", [None, b"no database" * 100])
def test_sqlite_file_that_cannot_be_used_is_a_fault(change, tmp_path, content):
    path = tmp_path / "folder" / "school.sqlite3"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    change(NAME=str(path))

    fault = the_fault()

    assert fault.is_permanent
    assert "SQLite file that this user may open" in fault.remedy


@pytest.mark.skipif(DATABASE != "sqlite", reason="needs SQLite")
def test_sqlite_file_without_tables_asks_for_migrate(change, tmp_path):
    change(NAME=str(tmp_path / "school.sqlite3"))

    assert find_faults(with_tables=False) == []
    assert "manage.py migrate" in the_fault().remedy


@needs_postgresql
def test_system_check_reports_faults_of_the_database(change):
    change(NAME="missing")

    (message,) = run_checks(databases=["default"])

    assert message.id == "school.E006"
    assert 'database "missing" does not exist' in message.msg
    assert "Create the database" in message.hint
    assert run_checks() == []


@needs_postgresql
def test_password_is_in_no_fault(change):
    config = connection.settings_dict
    with psycopg.connect(
        dbname=config["NAME"], user=config["USER"], host=config["HOST"]
    ):
        change(PASSWORD="s3cret", USER="nobody")

    assert "s3cret" not in str(the_fault())
