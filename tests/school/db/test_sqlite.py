import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from school.db import sqlite

connections: list[sqlite3.Connection] = []


@pytest.fixture
def database_path(tmp_path):
    database_path = tmp_path / "some.sqlite3"
    connection = connect(database_path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE item (value)")
    connection.close()
    yield database_path
    while connections:
        connections.pop().close()


def connect(path):
    options = sqlite.options(is_snapshot=False)
    connection = sqlite3.connect(
        path,
        timeout=options["timeout"],
        factory=options["factory"],
        isolation_level=None,  # as in Django
        check_same_thread=False,
    )
    connections.append(connection)
    return connection


@pytest.fixture
def writer(database_path):
    """Another connection, in an open write transaction."""
    connection = sqlite3.connect(
        database_path, isolation_level=None, check_same_thread=False
    )
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def run_after(seconds, action):
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def execute(statement):
    return lambda cursor: cursor.execute(statement)


def read_values(path):
    return [value for (value,) in connect(path).execute("SELECT value FROM item")]


WRITE_STEPS = {
    "begin": execute("BEGIN IMMEDIATE"),
    "one statement": execute("INSERT INTO item VALUES (1)"),
    "with parameters": lambda cursor: cursor.execute(
        "INSERT INTO item VALUES (%s)", (1,)
    ),
    "many": lambda cursor: cursor.executemany(
        "INSERT INTO item VALUES (%s)", ((value,) for value in (1, 2))
    ),
    "on the connection": lambda cursor: cursor.connection.execute(
        "INSERT INTO item VALUES (?)", (1,)
    ),
}


@pytest.mark.parametrize("write", WRITE_STEPS.values(), ids=WRITE_STEPS.keys())
def test_write_to_locked_database_waits_for_commit(database_path, writer, write):
    cursor = connect(database_path).cursor(SQLiteCursorWrapper)
    started_at = time.monotonic()
    release = run_after(0.3, writer.commit)

    write(cursor)

    assert time.monotonic() - started_at >= 0.3
    release.join()


def test_commit_without_wal_waits_for_readers(database_path):
    reader = connect(database_path)
    reader.execute("PRAGMA journal_mode=DELETE")
    connection = connect(database_path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM item").fetchall()
    release = run_after(0.3, reader.rollback)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO item VALUES (1)")

    connection.commit()

    assert read_values(database_path) == [1]
    release.join()


def test_executemany_writes_all_rows_or_none(database_path):
    connection = connect(database_path)
    connection.execute("CREATE UNIQUE INDEX once ON item (value)")
    cursor = connection.cursor(SQLiteCursorWrapper)

    cursor.executemany("INSERT INTO item VALUES (%s)", iter([(1,), (2,)]))
    with pytest.raises(sqlite3.IntegrityError):
        cursor.executemany("INSERT INTO item VALUES (%s)", [(3,), (1,)])

    assert read_values(database_path) == [1, 2]
    assert not connection.in_transaction


def test_write_to_locked_database_times_out(database_path, writer, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.2)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connect(database_path).cursor(SQLiteCursorWrapper).execute("BEGIN IMMEDIATE")


def test_write_in_stale_snapshot_fails_at_once(database_path):
    reader, started_at = connect(database_path), time.monotonic()
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM item").fetchall()
    connect(database_path).execute("INSERT INTO item VALUES (1)")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        reader.execute("INSERT INTO item VALUES (2)")

    assert time.monotonic() - started_at < 1


def test_concurrent_writers_all_succeed(database_path):
    def write(value):
        connection = connect(database_path)
        for _ in range(20):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO item VALUES (?)", (value,))
            connection.commit()

    threads = [threading.Thread(target=write, args=(value,)) for value in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(read_values(database_path)) == sorted(list(range(5)) * 20)


@pytest.mark.guarantee("A slow writer in SQLite delays no other request.")
def test_greenlet_in_transaction_does_not_block_others(database_path):
    # In a separate process, because gevent patches all of it.
    process = subprocess.run(
        [sys.executable, "-c", GREENLET_SCRIPT, str(database_path)],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert process.returncode == 0, process.stderr
    longest_stall, row_count = process.stdout.split()
    assert float(longest_stall) < 0.3
    assert int(row_count) == 2


# The first greenlet keeps its transaction open while it sleeps.
GREENLET_SCRIPT = """
from gevent import monkey; monkey.patch_all()
import sqlite3, sys, time
import gevent
from school.db.sqlite import RetryingConnection

def write(seconds):
    connection = sqlite3.connect(
        sys.argv[1], factory=RetryingConnection, timeout=0, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO item VALUES (1)")
    time.sleep(seconds)
    connection.commit()

writers = [gevent.spawn(write, 1), gevent.spawn(write, 0)]
longest = 0
while not all(writer.ready() for writer in writers):
    began = time.monotonic()
    time.sleep(0.01)
    longest = max(longest, time.monotonic() - began)
gevent.joinall(writers, raise_error=True)
rows = sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM item").fetchone()[0]
print(longest, rows)
"""
