"""PostgreSQL's connections, which a request never waits for longer than two seconds."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus

POOL_TIMEOUT_SECONDS = 2.0
# Together less than the two seconds that a client may be let wait.
REQUEST_POOL_TIMEOUT_SECONDS = 0.8
REQUEST_STATEMENT_TIMEOUT_SECONDS = 1.0
CANCEL_TIMEOUT_SECONDS = 2.0
SNAPSHOT_PARAMETERS = {
    "default_transaction_read_only": "on",
    # Where SQL makes texts of dates, they are to be ISO's, however the server is set.
    "datestyle": "ISO",
    # A report reads its cursor to the end: no plan is good that is so for the first rows.
    "cursor_tuple_fraction": "1",
    # An export joins nine tables. Past eight the planner would not begin at the viewer's
    # school, and read all the others.
    "join_collapse_limit": "12",
    "from_collapse_limit": "12",
}


def options(*, is_snapshot: bool, pool_size: int) -> dict[str, Any]:
    """What Django is told of the database beside its address."""
    # Only the web process loads it, and does so before the settings.
    is_web_process = "school.wsgi" in sys.modules
    pool_timeout = (
        REQUEST_POOL_TIMEOUT_SECONDS if is_web_process else POOL_TIMEOUT_SECONDS
    )
    options: dict[str, Any] = {
        "connect_timeout": 2,
        # A host that vanished is noticed in some 20 s where no statement is bounded.
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        # Under gevent a request is a greenlet, and would be a connection without a pool.
        "pool": {
            "connection_class": RequestConnection if is_web_process else Connection,
            "min_size": 0,
            "max_size": pool_size,
            "timeout": pool_timeout,
            # Else it would pause after a failure, for minutes, though all is well again.
            "reconnect_timeout": 0.0,
        },
    }
    if is_snapshot:
        options["isolation_level"] = IsolationLevel.REPEATABLE_READ
        options["options"] = " ".join(
            f"-c {name}={value}" for name, value in SNAPSHOT_PARAMETERS.items()
        )
    return options


class Connection(psycopg.Connection[Any]):
    """A connection that, once lost, takes the pool's idle ones with it."""

    statement_timeout: float | None = None
    _raise_if_stopped: Callable[[], None] | None = None

    @contextmanager
    def interruptible(self, raise_if_stopped: Callable[[], None]) -> Iterator[None]:
        """Meanwhile call `check`, which may raise, ten times in each second that is waited.

        What it raises ends the statement, and the connection with it.
        """
        self._raise_if_stopped = raise_if_stopped
        try:
            yield
        finally:
            self._raise_if_stopped = None

    def wait(
        self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None
    ) -> RV:
        if timeout is None:
            timeout = self.statement_timeout
        if self._raise_if_stopped is not None:
            gen = self._run_with_checks(gen, self._raise_if_stopped)
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            self._discard_if_lost()
            raise

    def _run_with_checks(
        self, gen: PQGen[RV], raise_if_stopped: Callable[[], None]
    ) -> PQGen[RV]:
        try:
            wait_for = next(gen)
            while True:
                ready = yield wait_for
                if not ready:
                    self._check_or_cancel(raise_if_stopped)
                wait_for = gen.send(ready)
        except StopIteration as end:
            result: RV = end.value
            return result

    def _check_or_cancel(self, raise_if_stopped: Callable[[], None]) -> None:
        try:
            raise_if_stopped()
        except BaseException:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_TIMEOUT_SECONDS)
            self.close()
            raise

    def _discard_if_lost(self) -> None:
        """Close it if it is broken, or if its statement was given up halfway."""
        status = self.pgconn.transaction_status
        if status not in (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN):
            return
        self.close()
        if (pool := getattr(self, "_pool", None)) is not None:
            # They are of the same server, and would each fail one more request.
            pool.drain()


class RequestConnection(Connection):
    """One that gives up a statement which the server does not answer."""

    statement_timeout = REQUEST_STATEMENT_TIMEOUT_SECONDS
