"""How often something may be done: every attempt counted, in a window that moves."""

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
    """So many times in so many seconds; its name is part of the keys."""

    name: str
    limit: int
    seconds: int

    def _item(self) -> RateLimitItemPerSecond:
        return RateLimitItemPerSecond(self.limit, self.seconds, namespace=self.name)

    def hit(self, identifier: str) -> int:
        """Count one attempt: 0; or none, and the whole seconds until there is one again."""
        with breaker.guard():
            limiter = _limiter(client().connection_pool)
            if limiter.hit(self._item(), identifier):
                return 0
            window = limiter.get_window_stats(self._item(), identifier)
        if window.remaining:
            return 1  # forgotten, or over, since it was refused
        return max(1, math.ceil(window.reset_time - time.time()))

    def reset(self, identifier: str) -> None:
        with breaker.guard():
            _limiter(client().connection_pool).clear(self._item(), identifier)


@lru_cache(maxsize=1)
def _limiter(pool: Any) -> MovingWindowRateLimiter:
    storage = RedisStorage("redis://", connection_pool=pool, key_prefix="rate")
    return MovingWindowRateLimiter(storage)
