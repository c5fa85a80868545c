"""Log lines of an outage of the database: one when it begins, one when it ends."""

import sqlite3
from contextlib import closing

import psycopg
import pytest
import redis
from django.db import OperationalError, connections
from psycopg_pool import PoolTimeout

from school.db import sqlite
from school.db.outage import outage
from school.runtime.logging import drop_outage_tracebacks
from tests.support.postgresql import PostgresqlServer
from tests.support.redis_servers import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),  # an open one would lock SQLite
    pytest.mark.one_database("the log does not depend on the database"),
]


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch):
    monkeypatch.setattr("school.outage_log.CHECK_SECONDS", 0.02)
    monkeypatch.setattr("school.outage_log.QUIET_SECONDS", 0.1)


def logged(caplog) -> list[str]:
    return [r.msg["event"] for r in caplog.records if r.name == "school.outage_log"]


@pytest.mark.guarantee("An outage of the database is logged when it begins and ends.")
def test_outage_is_logged_once_with_its_reason_and_once_at_its_end(caplog):
    for _ in range(3):
        outage.report(OperationalError("connection refused"))
    wait_until(lambda: len(logged(caplog)) == 2)

    assert logged(caplog) == ["database_unavailable", "database_available"]
    first = caplog.records[0].msg
    assert first["reason"] == "connection refused."
    assert first["remedy"].startswith("Start PostgreSQL")
    assert first["address"]
    assert "password" not in str(first)


def test_reason_that_lasts_is_logged_rather_than_the_closed_connection(
    caplog, monkeypatch
):
    """The connection was closed because the user was refused."""
    server = PostgresqlServer()
    try:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("CREATE ROLE app NOLOGIN")
            config = {
                **connections.databases["default"],
                "ENGINE": "django.db.backends.postgresql",
                "HOST": admin.info.host,
                "PORT": "",
                "NAME": "postgres",
                "USER": "app",
                "PASSWORD": "",
                "OPTIONS": {},
            }
            monkeypatch.setitem(connections.databases, "default", config)
            outage.report(OperationalError("terminating connection"))
            wait_until(lambda: logged(caplog))
            admin.execute("GRANT CREATE ON SCHEMA public TO app")
            admin.execute("ALTER ROLE app LOGIN")
            wait_until(lambda: len(logged(caplog)) == 2)
    finally:
        outage.reset()
        server.close()

    assert logged(caplog) == ["database_unavailable", "database_still_unavailable"]
    reasons = [record.msg["reason"] for record in caplog.records]
    assert "is not permitted to log in" in reasons[0]
    assert reasons[1].startswith("Tables are missing in schema public")


@pytest.mark.parametrize("is_open", [True, False])
def test_traceback_is_dropped_while_the_outage_is_known(is_open):
    error = OperationalError("connection refused")
    if is_open:
        outage.report(error)
    exc_info = (OperationalError, error, None)

    event = drop_outage_tracebacks(None, "error", {"exc_info": exc_info})

    assert event["exc_info"] == (None if is_open else exc_info)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (redis.ConnectionError("closed"), None),
        (redis.TimeoutError("no answer"), None),
        (OperationalError("no connection"), PoolTimeout("no connection")),
    ],
)
def test_traceback_of_a_lost_connection_is_dropped_before_the_reason_is_known(
    error, cause
):
    error.__cause__ = cause

    event = drop_outage_tracebacks(None, "error", {"exc_info": error})

    assert event == {"exc_info": None, "error": f"{type(error).__name__}: {error}"}


def test_traceback_of_another_error_stays_during_an_outage():
    outage.report(OperationalError("connection refused"))
    exc_info = (ValueError, ValueError("wrong"), None)

    event = drop_outage_tracebacks(None, "error", {"exc_info": exc_info})

    assert event == {"exc_info": exc_info}


def test_sqlite_file_that_is_gone_begins_an_outage(caplog, tmp_path):
    options = sqlite.options(is_snapshot=False)
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(tmp_path / "no" / "file", factory=options["factory"])

    # The end is logged just after the outage is over.
    wait_until(lambda: len(logged(caplog)) == 2)
    assert logged(caplog) == ["database_unavailable", "database_available"]


def test_sqlite_statement_that_is_wrong_is_no_outage(caplog):
    options = sqlite.options(is_snapshot=False)
    connection = sqlite3.connect(":memory:", factory=options["factory"])
    with closing(connection), pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT * FROM missing")

    assert not outage.is_open
