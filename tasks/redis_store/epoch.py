"""The tide: rises while the documents are known to be whole, and tells when Redis went back."""

import time

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client

EPOCH_TTL = 60
"""Longer than a dispatcher's look at everything takes while the database hangs."""

# Never lowers the tide, whoever else raises it; nor raises one that has gone back.
_ADVANCE_EPOCH = """
local current = tonumber(redis.call('GET', KEYS[1]) or '0')
if current < tonumber(ARGV[1]) then return 0 end
local next_epoch = math.max(current + 1, tonumber(ARGV[2]))
redis.call('SET', KEYS[1], string.format('%.0f', next_epoch), 'EX', ARGV[3])
return next_epoch
"""


class EpochGuard:
    """The highest tide that this process has seen.

    A lower one, or none, means that Redis was wiped or has come back with an older file:
    its documents may be older than what was shown before, so the rows answer.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the highest tide, as in a new process."""
        self._highest = 1

    def is_current(self, raw_epoch: bytes | None) -> bool:
        epoch = int(raw_epoch or 0)
        is_current = epoch >= self._highest
        self._highest = max(self._highest, epoch)
        return is_current


epoch_guard = EpochGuard()


def get_server_epoch() -> tuple[str, int]:
    """Which run of the server this is, and its tide: 0 when it has none."""
    with breaker.guard():
        return client().info("server")["run_id"], int(client().get("mirror-epoch") or 0)


def advance_epoch(last: int) -> int:
    """Say that the documents are whole; the new tide, or 0 if it is below the last one."""
    with breaker.guard():
        script = client().register_script(_ADVANCE_EPOCH)
        # Milliseconds, so that after a wipe it is soon above what polls have seen.
        now = round(time.time() * 1000)
        return int(script(keys=["mirror-epoch"], args=[last, now, EPOCH_TTL]))
