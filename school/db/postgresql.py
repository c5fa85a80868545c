"""PostgreSQL connections; a request waits at most two seconds for the database."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus

from school.db.outage import outage

POOL_TIMEOUT_SECONDS = 2.0
# Together less than the two seconds that a client may have to wait.
REQUEST_POOL_TIMEOUT_SECONDS = 0.8
REQUEST_STATEMENT_TIMEOUT_SECONDS = 1.0
CANCEL_TIMEOUT_SECONDS = 2.0


def options(*, pool_size: int) -> dict[str, Any]:
    """Return the default `OPTIONS` of the Django database; those of the address come first."""
    # Only the web process loads `school.wsgi`, and it does so before the settings.
    is_web_process = "school.wsgi" in sys.modules
    pool_timeout = (
        REQUEST_POOL_TIMEOUT_SECONDS if is_web_process else POOL_TIMEOUT_SECONDS
    )
    return {
        "connect_timeout": 2,
        # Detects a vanished host within about 20 s, also without a statement timeout.
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        # Under gevent each request is a greenlet; without a pool each would open a
        # connection.
        "pool": {
            "connection_class": RequestConnection if is_web_process else Connection,
            "min_size": 0,
            "max_size": pool_size,
            "timeout": pool_timeout,
            # By default the pool backs off for minutes after a failure, even after recovery.
            "reconnect_timeout": 0.0,
        },
    }


_REFUSALS = (
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InsufficientPrivilege,
)
"""Errors of a server that has become a standby, or of a user that has lost a right."""


class Connection(psycopg.Connection[Any]):
    """Connection that drains the pool of idle connections once it is lost.

    It is lost, too, if the server takes no writes from it any more: the next one may lead to
    the new primary, and what fails meanwhile is no fault of a request or a report.
    """

    is_read_only = False
    """True if its transactions are snapshots, which are to refuse writes."""

    statement_timeout: float | None = None
    """Seconds in which the server must answer; then the connection is closed."""
    _raise_if_stopped: Callable[[], None] | None = None

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        try:
            return super().connect(*args, **kwargs)
        except psycopg.Error as error:
            outage.report(error)
            raise

    @contextmanager
    def interruptible(self, raise_if_stopped: Callable[[], None]) -> Iterator[None]:
        """Call `raise_if_stopped` ten times a second while a statement is waited for.

        An exception that it raises cancels the statement and closes the connection.
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
        except psycopg.OperationalError as error:
            self._discard_if_lost(error)
            raise
        except _REFUSALS as error:
            is_ours = isinstance(error, psycopg.errors.ReadOnlySqlTransaction)
            if self.is_read_only and is_ours:
                raise
            self._discard(error)
            raise psycopg.OperationalError(str(error)) from error

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

    def _discard_if_lost(self, error: psycopg.Error) -> None:
        """Close the connection if it is broken or its statement was abandoned."""
        status = self.pgconn.transaction_status
        if status in (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN):
            self._discard(error)

    def _discard(self, error: psycopg.Error) -> None:
        outage.report(error)
        self.close()
        if (pool := getattr(self, "_pool", None)) is not None:
            # The idle connections go to the same server; each would fail one more request.
            pool.drain()


class RequestConnection(Connection):
    """Connection of a web request, with a timeout for each statement."""

    statement_timeout = REQUEST_STATEMENT_TIMEOUT_SECONDS
