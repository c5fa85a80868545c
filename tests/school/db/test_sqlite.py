import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from school.db import sqlite

opened: list[sqlite3.Connection] = []


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.sqlite3"
    connection = connected(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE mark (value)")
    connection.close()
    yield path
    while opened:
        opened.pop().close()


def connected(path):
    options = sqlite.options(is_snapshot=False)
    connection = sqlite3.connect(
        path,
        timeout=options["timeout"],
        factory=options["factory"],
        isolation_level=None,  # as Django has it
        check_same_thread=False,
    )
    opened.append(connection)
    return connection


@pytest.fixture
def writer(path):
    """Somebody else, in the middle of a transaction."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def after(seconds, step):
    timer = threading.Timer(seconds, step)
    timer.start()
    return timer


def execute(statement):
    return lambda cursor: cursor.execute(statement)


def values(path):
    return [value for (value,) in connected(path).execute("SELECT value FROM mark")]


WRITES = {
    "begin": execute("BEGIN IMMEDIATE"),
    "one statement": execute("INSERT INTO mark VALUES (1)"),
    "with parameters": lambda cursor: cursor.execute(
        "INSERT INTO mark VALUES (%s)", (1,)
    ),
    "many": lambda cursor: cursor.executemany(
        "INSERT INTO mark VALUES (%s)", ((value,) for value in (1, 2))
    ),
    "on the connection": lambda cursor: cursor.connection.execute(
        "INSERT INTO mark VALUES (?)", (1,)
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_who_finds_it_locked_waits_for_the_other_s_commit(path, writer, write):
    cursor = connected(path).cursor(SQLiteCursorWrapper)
    began = time.monotonic()
    release = after(0.3, writer.commit)

    write(cursor)

    assert time.monotonic() - began >= 0.3
    release.join()


def test_commit_waits_for_readers_where_there_is_no_wal(path):
    reader = connected(path)
    reader.execute("PRAGMA journal_mode=DELETE")
    connection = connected(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM mark").fetchall()
    release = after(0.3, reader.rollback)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO mark VALUES (1)")

    connection.commit()

    assert values(path) == [1]
    release.join()


def test_many_rows_are_all_written_or_none(path):
    connection = connected(path)
    connection.execute("CREATE UNIQUE INDEX once ON mark (value)")
    cursor = connection.cursor(SQLiteCursorWrapper)

    cursor.executemany("INSERT INTO mark VALUES (%s)", iter([(1,), (2,)]))
    with pytest.raises(sqlite3.IntegrityError):
        cursor.executemany("INSERT INTO mark VALUES (%s)", [(3,), (1,)])

    assert values(path) == [1, 2]
    assert not connection.in_transaction


def test_waiting_ends(path, writer, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.2)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connected(path).cursor(SQLiteCursorWrapper).execute("BEGIN IMMEDIATE")


def test_what_waiting_cannot_mend_fails_at_once(path):
    reader, began = connected(path), time.monotonic()
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM mark").fetchall()
    connected(path).execute("INSERT INTO mark VALUES (1)")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        reader.execute("INSERT INTO mark VALUES (2)")

    assert time.monotonic() - began < 1


def test_writers_beside_one_another_all_get_their_turn(path):
    def write(value):
        connection = connected(path)
        for _ in range(20):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO mark VALUES (?)", (value,))
            connection.commit()

    threads = [threading.Thread(target=write, args=(value,)) for value in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(values(path)) == sorted(list(range(5)) * 20)


@pytest.mark.guarantee("A slow writer in SQLite delays no other request.")
def test_greenlets_in_transactions_hold_nobody_up(path):
    # In a process of its own, for gevent changes all of it.
    done = subprocess.run(
        [sys.executable, "-c", GREENLETS, str(path)],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr
    longest_stall, written = done.stdout.split()
    assert float(longest_stall) < 0.3
    assert int(written) == 2


# The first keeps its transaction open while it waits for something else.
GREENLETS = """
from gevent import monkey; monkey.patch_all()
import sqlite3, sys, time
import gevent
from school.db.sqlite import RetryingConnection

def write(seconds):
    connection = sqlite3.connect(
        sys.argv[1], factory=RetryingConnection, timeout=0, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO mark VALUES (1)")
    time.sleep(seconds)
    connection.commit()

writers = [gevent.spawn(write, 1), gevent.spawn(write, 0)]
longest = 0
while not all(writer.ready() for writer in writers):
    began = time.monotonic()
    time.sleep(0.01)
    longest = max(longest, time.monotonic() - began)
gevent.joinall(writers, raise_error=True)
rows = sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM mark").fetchone()[0]
print(longest, rows)
"""
