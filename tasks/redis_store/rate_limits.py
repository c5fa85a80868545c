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
from tasks.redis_store.client import client


@dataclass(frozen=True)
class Rate:
    """A rate limit of `limit` hits in `seconds`; `name` is part of the Redis keys."""

    name: str
    limit: int
    seconds: int

    def _item(self) -> RateLimitItemPerSecond:
        return RateLimitItemPerSecond(self.limit, self.seconds, namespace=self.name)

    def hit(self, identifier: str) -> int:
        """Count one attempt and return 0; if refused, return the seconds to wait."""
        with breaker.guard():
            limiter = _limiter(client().connection_pool)
            if limiter.hit(self._item(), identifier):
                return 0
            window = limiter.get_window_stats(self._item(), identifier)
        if window.remaining:
            return 1  # the window was reset or has moved on since the refusal
        return max(1, math.ceil(window.reset_time - time.time()))

    def reset(self, identifier: str) -> None:
        with breaker.guard():
            _limiter(client().connection_pool).clear(self._item(), identifier)


@lru_cache(maxsize=1)
def _limiter(pool: Any) -> MovingWindowRateLimiter:
    storage = RedisStorage("redis://", connection_pool=pool, key_prefix="rate")
    return MovingWindowRateLimiter(storage)
