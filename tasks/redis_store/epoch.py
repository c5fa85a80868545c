"""The tide: rises while the documents are known to be whole, and tells when Redis went back."""

import time

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client

TIDE_SECONDS = 60
"""Longer than a dispatcher's look at everything takes while the database hangs."""

# Never lowers the tide, whoever else raises it; nor raises one that has gone back.
_RAISE_TIDE = """
local held = tonumber(redis.call('GET', KEYS[1]) or '0')
if held < tonumber(ARGV[1]) then return 0 end
local raised = math.max(held + 1, tonumber(ARGV[2]))
redis.call('SET', KEYS[1], string.format('%.0f', raised), 'EX', ARGV[3])
return raised
"""


class HighestTide:
    """The highest tide that this process has seen.

    A lower one, or none, means that Redis was wiped or has come back with an older file:
    its documents may be older than what was shown before, so the rows answer.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the highest tide, as in a new process."""
        self._seen = 1

    def is_reached(self, tide: bytes | None) -> bool:
        now = int(tide or 0)
        reached = now >= self._seen
        self._seen = max(self._seen, now)
        return reached


highest_tide = HighestTide()


def tide() -> tuple[str, int]:
    """Which run of the server this is, and its tide: 0 when it has none."""
    with breaker.guard():
        return client().info("server")["run_id"], int(client().get("tide") or 0)


def raise_tide(last: int) -> int:
    """Say that the documents are whole; the new tide, or 0 if it is below the last one."""
    with breaker.guard():
        raised = client().register_script(_RAISE_TIDE)
        # Milliseconds, so that after a wipe it is soon above what polls have seen.
        now = round(time.time() * 1000)
        return int(raised(keys=["tide"], args=[last, now, TIDE_SECONDS]))
