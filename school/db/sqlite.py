"""SQLite connections that wait for the single writer without blocking other requests."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from school.db.outage import outage

BUSY_TIMEOUT_SECONDS = 5.0
"""Longest wait of a statement for another transaction before it fails."""
_UNAVAILABLE_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
}
"""Primary codes of errors that are no statement's fault.

SQLITE_READONLY is missing: it is also how a snapshot refuses to write.
"""
_MIN_PAUSE, _MAX_PAUSE = 0.002, 0.05
# SQLITE_BUSY_SNAPSHOT is missing: a snapshot too old to write fails at every retry.
_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY}
_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;"
# A report reads each page once; the file cache of the system was measured to suffice.
_SNAPSHOT_PRAGMAS = "PRAGMA cache_size=-4000; PRAGMA query_only=ON;"

P = ParamSpec("P")
R = TypeVar("R")


def options(*, is_snapshot: bool) -> dict[str, Any]:
    """Return the `OPTIONS` of the Django database."""
    # No busy timeout in SQLite itself: waiting in C would block every greenlet.
    base = {"factory": RetryingConnection, "timeout": 0}
    if is_snapshot:
        return {**base, "init_command": f"{_PRAGMAS} {_SNAPSHOT_PRAGMAS}"}
    # A transaction that upgrades its lock would fail instead of waiting for the writer.
    return {**base, "init_command": _PRAGMAS, "transaction_mode": "IMMEDIATE"}


class RetryingCursor(SQLiteCursorWrapper):
    """Django's cursor with retries while another connection writes."""

    def execute(self, *arguments: Any) -> Any:
        return _retry_while_busy(super().execute, *arguments)

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        if self.connection.in_transaction:
            # Only the first row can find the database locked; nothing is written by then.
            return _retry_while_busy(super().executemany, query, list(param_list))
        self.execute("BEGIN IMMEDIATE")
        with self.connection:
            return super().executemany(query, param_list)


class RetryingConnection(sqlite3.Connection):
    """Connection whose statements and commits are retried while the database is locked."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        try:
            super().__init__(*arguments, **options)
        except sqlite3.DatabaseError as error:
            _report_if_unavailable(error)
            raise

    def cursor(self, factory: Any = None) -> Any:
        # Django passes its own cursor class, the base class of RetryingCursor.
        return super().cursor(RetryingCursor)

    def execute(self, *arguments: Any) -> Any:
        return _retry_while_busy(super().execute, *arguments)

    def commit(self) -> None:
        _retry_while_busy(super().commit)


def _retry_while_busy(
    operation: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    deadline, pause = 0.0, _MIN_PAUSE
    while True:
        try:
            return operation(*args, **kwargs)
        except sqlite3.DatabaseError as error:
            now = time.monotonic()
            deadline = deadline or now + BUSY_TIMEOUT_SECONDS
            is_busy = getattr(error, "sqlite_errorcode", None) in _BUSY_CODES
            if not is_busy or now >= deadline:
                _report_if_unavailable(error)
                raise
        # Under gevent sleeping lets other greenlets run. The jitter keeps two writers from
        # retrying in step.
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (nothing secret)
        pause = min(2 * pause, _MAX_PAUSE)


def _report_if_unavailable(error: sqlite3.DatabaseError) -> None:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNAVAILABLE_CODES:
        outage.report(error)
