"""Stops asking Redis for a moment once it has failed, so that nobody waits twice."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import kombu.exceptions
import redis.exceptions

COOLDOWN_SECONDS = 1.0


class RedisAway(Exception):
    """Redis did not answer, or did not a moment ago."""


class Breaker:
    """Closed while Redis answers; open for a second after it did not."""

    def __init__(self) -> None:
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn every failure to reach Redis into `RedisAway`, at once while open."""
        if self.is_open:
            raise RedisAway("Redis failed a moment ago.")
        try:
            yield
        except (redis.exceptions.RedisError, kombu.exceptions.KombuError) as error:
            self._open_until = time.monotonic() + COOLDOWN_SECONDS
            raise RedisAway(str(error)) from error


breaker = Breaker()
