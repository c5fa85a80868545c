"""Mirror epoch: increases while the documents are complete; a drop means a Redis reset."""

import time

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client

EPOCH_TTL = 60
"""Seconds; longer than a dispatcher tick takes while the database hangs."""

# Never lowers an epoch raised by another dispatcher, and never raises one that dropped.
_ADVANCE_EPOCH = """
local current = tonumber(redis.call('GET', KEYS[1]) or '0')
if current < tonumber(ARGV[1]) then return 0 end
local next_epoch = math.max(current + 1, tonumber(ARGV[2]))
redis.call('SET', KEYS[1], string.format('%.0f', next_epoch), 'EX', ARGV[3])
return next_epoch
"""


class EpochGuard:
    """Comparison of the current epoch with the highest one seen by this process.

    A lower or missing epoch means that Redis was flushed or restored from an older file.
    Its documents may be older than ones already returned, so the rows are read instead.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the highest epoch, as in a new process."""
        self._highest = 1

    def is_current(self, raw_epoch: bytes | None) -> bool:
        epoch = int(raw_epoch or 0)
        is_current = epoch >= self._highest
        self._highest = max(self._highest, epoch)
        return is_current


epoch_guard = EpochGuard()


def get_server_epoch() -> tuple[str, int]:
    """Return the run id of the Redis server and its epoch; 0 if it has none."""
    with breaker.guard():
        return client().info("server")["run_id"], int(client().get("mirror-epoch") or 0)


def advance_epoch(last: int) -> int:
    """Declare the documents complete; return the new epoch, or 0 if it fell below `last`."""
    with breaker.guard():
        script = client().register_script(_ADVANCE_EPOCH)
        # Milliseconds, so that after a flush the epoch soon exceeds what polls have seen.
        now = round(time.time() * 1000)
        return int(script(keys=["mirror-epoch"], args=[last, now, EPOCH_TTL]))
