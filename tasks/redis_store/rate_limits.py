"""Rate limits with a moving window, stored in Redis."""

import math
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import ResponseError, client

CLOCK_LEEWAY_SECONDS = 60
"""Difference between the hosts' clocks that a window's end may show."""


@dataclass(frozen=True)
class Rate:
    """A rate limit of `limit` hits in `seconds`; `name` is part of the Redis keys."""

    name: str
    limit: int
    seconds: int

    def _item(self) -> RateLimitItemPerSecond:
        return RateLimitItemPerSecond(self.limit, self.seconds, namespace=self.name)

    def hit(self, identifier: str) -> int:
        """Count one attempt and return 0; if refused, return the seconds to wait.

        A window that cannot be read, or that ends later than any window can, is forgotten.
        """
        with breaker.guard():
            try:
                seconds = self._hit(identifier)
            except (ResponseError, ValueError):
                seconds = math.inf
            if seconds > self.seconds + CLOCK_LEEWAY_SECONDS:
                _limiter(client().connection_pool).clear(self._item(), identifier)
                seconds = self._hit(identifier)
        return math.ceil(seconds)

    def _hit(self, identifier: str) -> float:
        limiter = _limiter(client().connection_pool)
        if limiter.hit(self._item(), identifier):
            return 0
        window = limiter.get_window_stats(self._item(), identifier)
        if window.remaining:
            return 1  # the window was reset or has moved on since the refusal
        return max(1, window.reset_time - time.time())

    def reset(self, identifier: str) -> None:
        with breaker.guard():
            _limiter(client().connection_pool).clear(self._item(), identifier)


@lru_cache(maxsize=1)
def _limiter(pool: Any) -> MovingWindowRateLimiter:
    storage = RedisStorage("redis://", connection_pool=pool, key_prefix="rate")
    return MovingWindowRateLimiter(storage)
