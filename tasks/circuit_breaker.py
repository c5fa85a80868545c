"""Circuit breakers for Redis and the database: after a failure, calls fail fast."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import kombu.exceptions
import redis.exceptions
from django.conf import settings
from django.db import InterfaceError, OperationalError

from school.db.outage import outage
from school.outage_log import OutageLog
from school.runtime import redis_diagnosis, redis_problems

COOLDOWN_SECONDS = 1.0
MAX_CONCURRENCY = 32
"""Concurrent Redis calls per process; further calls block until one ends."""


class RedisUnavailable(Exception):
    """Redis does not answer, or failed within the last `COOLDOWN_SECONDS`."""


class DatabaseUnavailable(OperationalError):
    """The database does not answer, or failed within the last `COOLDOWN_SECONDS`."""


class Breaker:
    """Circuit breaker for Redis: open for a second after a failed call.

    Waiting for the semaphore does not count as a failure. The breaker is checked after the
    wait, so that callers queued while Redis hangs do not each run into its timeout.
    """

    failure_types: tuple[type[Exception], ...] = (
        redis.exceptions.RedisError,
        kombu.exceptions.KombuError,
    )
    unavailable_error: type[Exception] = RedisUnavailable

    def __init__(self, outage_log: OutageLog | None = None) -> None:
        self._outage_log = outage_log
        self.reset()

    def reset(self) -> None:
        """Close the breaker and free the semaphore, as in a new process."""
        if self._outage_log:
            self._outage_log.reset()
        self._open_until = 0.0
        self._semaphore = BoundedSemaphore(MAX_CONCURRENCY)

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Convert connection failures to `unavailable_error`; while open, raise it at once."""
        with self._semaphore:
            if self.is_open:
                raise self.unavailable_error("The circuit breaker is open.")
            try:
                yield
            except self.failure_types as error:
                self._open_until = time.monotonic() + COOLDOWN_SECONDS
                self.report(error)
                raise self.unavailable_error(str(error)) from error

    def report(self, error: Exception) -> None:
        """Log a failure, without opening the breaker."""
        if self._outage_log:
            self._outage_log.report(error)

    def start_watch(self) -> None:
        """Watch the server in the background, as a process does from its start."""
        if self._outage_log:
            self._outage_log.start_watch(
                lambda: redis_diagnosis.connect_probe(settings.REDIS_URL)
            )


class DatabaseBreaker(Breaker):
    """Circuit breaker for the database: after the cooldown, a single call probes it.

    Connections report their own failures; the breaker also reports that none was free.
    """

    failure_types = (OperationalError, InterfaceError)
    unavailable_error = DatabaseUnavailable

    @contextmanager
    def guard(self) -> Iterator[None]:
        with super().guard():
            if self._open_until:
                self._open_until = time.monotonic() + COOLDOWN_SECONDS
            try:
                yield
            except self.failure_types as error:
                outage.report(error)
                raise
            finally:
                self._open_until = 0.0  # a failure sets it again


breaker = Breaker(
    OutageLog(
        "redis",
        explain=lambda error: redis_problems.explain(error, settings.REDIS_URL),
        diagnose=lambda: redis_diagnosis.diagnose(settings.REDIS_URL),
    )
)
database_breaker = DatabaseBreaker()
# A forked process has its own outages, and no thread of its parent.
os.register_at_fork(after_in_child=breaker.reset)
