"""Counters of attempts in windows of time, in Redis; without it, in this process."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage

from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.redis_store.client import ResponseError, client

CLOCK_LEEWAY_SECONDS = 60
"""Difference between the hosts' clocks that a window's end may show."""

Storage = MemoryStorage | RedisStorage
T = TypeVar("T")


@dataclass(frozen=True)
class Rate:
    """A limit of `limit` hits in `seconds`, from the first hit; `name` is part of the keys."""

    name: str
    limit: int
    seconds: int

    def hit(self, identifier: str) -> int:
        """Count one attempt and return 0; if refused, return the seconds to wait."""

        def count(storage: Storage, key: str) -> int:
            if storage.incr(key, self.seconds) <= self.limit:
                return 0
            storage.incr(key, self.seconds, -1)  # a refused attempt does not count
            return self._seconds_left(storage, key)

        return self._run(identifier, count)

    def undo_hit(self, identifier: str) -> None:
        """Uncount an attempt that was not carried out."""

        def uncount(storage: Storage, key: str) -> None:
            if storage.incr(key, self.seconds, -1) <= 0:
                storage.clear(key)

        self._run(identifier, uncount)

    def check(self, identifier: str) -> int:
        """Return 0 if another hit is allowed, otherwise the seconds to wait; count nothing."""

        def compare(storage: Storage, key: str) -> int:
            if storage.get(key) < self.limit:
                return 0
            return self._seconds_left(storage, key)

        return self._run(identifier, compare)

    def count(self, identifier: str) -> int:
        """Return the hits of the present window."""
        return self._run(identifier, lambda storage, key: storage.get(key))

    def usage(self, identifier: str) -> tuple[int, int]:
        """Return the hits of the present window and the seconds to its end; zeros without one."""

        def read(storage: Storage, key: str) -> tuple[int, int]:
            hits = storage.get(key)
            return (hits, self._seconds_left(storage, key)) if hits else (0, 0)

        return self._run(identifier, read)

    def reset(self, identifier: str) -> None:
        self._run(identifier, lambda storage, key: storage.clear(key))

    def _seconds_left(self, storage: Storage, key: str) -> int:
        seconds = storage.get_expiry(key) - time.time()
        if not 0 < seconds <= self.seconds + CLOCK_LEEWAY_SECONDS:
            raise ValueError("The window has ended, or ends later than any can.")
        return math.ceil(seconds)

    def _run(self, identifier: str, operate: Callable[[Storage, str], T]) -> T:
        item = RateLimitItemPerSecond(self.limit, self.seconds, namespace=self.name)
        key = item.key_for(identifier)
        try:
            with breaker.guard():
                storage = _redis_storage(client().connection_pool)
                return _operate(operate, storage, key)
        except RedisUnavailable:
            return _operate(operate, memory_storage(), key)


def _operate(operate: Callable[[Storage, str], T], storage: Storage, key: str) -> T:
    """Run the operation; forget a counter that is none, and run it again."""
    try:
        return operate(storage, key)
    except (ResponseError, ValueError):
        storage.clear(key)
        return operate(storage, key)


@lru_cache(maxsize=1)
def _redis_storage(pool: Any) -> RedisStorage:
    return RedisStorage("redis://", connection_pool=pool, key_prefix="rate")


@cache
def memory_storage() -> MemoryStorage:
    """Return the counters of this process, for outages of Redis."""
    return MemoryStorage()
