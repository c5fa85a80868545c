"""Stops asking Redis, or the database, for a moment once it has failed: nobody waits twice."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import kombu.exceptions
import redis.exceptions
from django.db import InterfaceError, OperationalError

COOLDOWN_SECONDS = 1.0
MAX_CONCURRENCY = 32
"""How many may be asking Redis in one process; the others wait for their turn."""


class RedisUnavailable(Exception):
    """Redis did not answer, or did not a moment ago."""


class DatabaseUnavailable(OperationalError):
    """The database did not answer, or did not a moment ago."""


class Breaker:
    """Closed while Redis answers; open for a second after it did not.

    Waiting for one's turn is no failure: the breaker is asked after it, so that when Redis
    hangs those that wait do not each find that out for themselves.
    """

    failure_types: tuple[type[Exception], ...] = (
        redis.exceptions.RedisError,
        kombu.exceptions.KombuError,
    )
    unavailable_error: type[Exception] = RedisUnavailable

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Close the breaker and free every turn, as in a new process."""
        self._open_until = 0.0
        self._semaphore = BoundedSemaphore(MAX_CONCURRENCY)

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn every failure to reach it into `away`, at once while open."""
        with self._semaphore:
            if self.is_open:
                raise self.unavailable_error("It failed a moment ago.")
            try:
                yield
            except self.failure_types as error:
                self._open_until = time.monotonic() + COOLDOWN_SECONDS
                raise self.unavailable_error(str(error)) from error


class DatabaseBreaker(Breaker):
    """The same for the database, where one alone asks whether it is back."""

    failure_types = (OperationalError, InterfaceError)
    unavailable_error = DatabaseUnavailable

    @contextmanager
    def guard(self) -> Iterator[None]:
        with super().guard():
            if self._open_until:
                self._open_until = time.monotonic() + COOLDOWN_SECONDS
            try:
                yield
            finally:
                self._open_until = 0.0  # a failure sets it anew


breaker = Breaker()
database_breaker = DatabaseBreaker()
