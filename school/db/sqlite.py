"""SQLite's connections, which wait for its one writer without holding up other requests."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from django.db.backends.sqlite3.base import SQLiteCursorWrapper

BUSY_TIMEOUT_SECONDS = 5.0
"""How long a statement waits for another's transaction before it fails."""
_MIN_PAUSE, _MAX_PAUSE = 0.002, 0.05
# A snapshot that is too old to write, also a "busy", would be so at every try.
_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY}
_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;"
# A report reads once from end to end, what the system keeps of the file does: measured.
_SNAPSHOT_PRAGMAS = "PRAGMA cache_size=-4000; PRAGMA query_only=ON;"

P = ParamSpec("P")
R = TypeVar("R")


def options(*, is_snapshot: bool) -> dict[str, Any]:
    """What Django is told of the database beside its name."""
    # No waiting in SQLite itself: in C it would stall every greenlet of the process.
    base = {"factory": RetryingConnection, "timeout": 0}
    if is_snapshot:
        return {**base, "init_command": f"{_PRAGMAS} {_SNAPSHOT_PRAGMAS}"}
    # A transaction that had to upgrade its lock would fail instead of waiting its turn.
    return {**base, "init_command": _PRAGMAS, "transaction_mode": "IMMEDIATE"}


class RetryingCursor(SQLiteCursorWrapper):
    """Django's cursor, trying again while somebody else writes."""

    def execute(self, *arguments: Any) -> Any:
        return _retry_while_busy(super().execute, *arguments)

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        if self.connection.in_transaction:
            # Only the first row can find it locked: by then nothing is written.
            return _retry_while_busy(super().executemany, query, list(param_list))
        self.execute("BEGIN IMMEDIATE")
        with self.connection:
            return super().executemany(query, param_list)


class RetryingConnection(sqlite3.Connection):
    """A connection all of whose statements wait for their turn."""

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(RetryingCursor)  # for Django names the class ours extends

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
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) not in _BUSY_CODES:
                raise
            now = time.monotonic()
            deadline = deadline or now + BUSY_TIMEOUT_SECONDS
            if now >= deadline:
                raise
        # Under gevent this lets the others go on. Unevenly, so that two do not keep step.
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (nothing secret)
        pause = min(2 * pause, _MAX_PAUSE)
