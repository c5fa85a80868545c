"""Log lines of an outage of the database: one when it begins, one when it ends."""

import sqlite3
from contextlib import closing

import pytest
from django.db import OperationalError

from school.db import outage as outage_module
from school.db import sqlite
from school.db.outage import Outage, outage
from school.runtime.logging import drop_outage_tracebacks


@pytest.fixture(autouse=True)
def no_calm(monkeypatch):
    monkeypatch.setattr(outage_module, "CALM_SECONDS", 0.0)


def logged(caplog) -> list[str]:
    return [r.msg["event"] for r in caplog.records if r.name == "school.db.outage"]


@pytest.mark.guarantee("An outage of the database is logged when it begins and ends.")
def test_outage_is_logged_once_with_its_reason_and_once_at_its_end(caplog):
    state = Outage()

    for _ in range(3):
        state.report_error(OperationalError("connection refused"))
    for _ in range(3):
        state.report_answer()

    assert logged(caplog) == ["database_unavailable", "database_available"]
    first = caplog.records[0].msg
    assert first["reason"] == "connection refused."
    assert first["remedy"].startswith("Start PostgreSQL")
    assert "password" not in str(first)


def test_outage_with_answers_between_failures_is_one(caplog, monkeypatch):
    state = Outage()
    monkeypatch.setattr(outage_module, "CALM_SECONDS", 60.0)

    for _ in range(3):
        state.report_error(OperationalError("server closed the connection"))
        state.report_answer()
    monkeypatch.setattr(outage_module, "CALM_SECONDS", 0.0)
    state.report_answer()

    assert logged(caplog) == ["database_unavailable", "database_available"]


@pytest.mark.parametrize("is_open", [True, False])
def test_traceback_is_dropped_while_the_outage_is_known(is_open):
    error = OperationalError("connection refused")
    if is_open:
        outage.report_error(error)
    exc_info = (OperationalError, error, None)

    event = drop_outage_tracebacks(None, "error", {"exc_info": exc_info})

    assert event["exc_info"] == (None if is_open else exc_info)


def test_traceback_of_another_error_stays_during_an_outage():
    outage.report_error(OperationalError("connection refused"))
    exc_info = (ValueError, ValueError("wrong"), None)

    event = drop_outage_tracebacks(None, "error", {"exc_info": exc_info})

    assert event == {"exc_info": exc_info}


def test_sqlite_file_that_is_gone_begins_an_outage(caplog, tmp_path):
    folder = tmp_path / "data"
    options = sqlite.options(is_snapshot=False)
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(folder / "school.sqlite3", factory=options["factory"])
    assert logged(caplog) == ["database_unavailable"]

    folder.mkdir()
    connection = sqlite3.connect(folder / "school.sqlite3", factory=options["factory"])
    with closing(connection):
        connection.execute("SELECT 1")

    assert logged(caplog) == ["database_unavailable", "database_available"]


def test_sqlite_statement_that_is_wrong_is_no_outage(caplog):
    options = sqlite.options(is_snapshot=False)
    connection = sqlite3.connect(":memory:", factory=options["factory"])
    with closing(connection), pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT * FROM missing")

    assert logged(caplog) == []
