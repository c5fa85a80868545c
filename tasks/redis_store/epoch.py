"""Mirror epoch: increases while the documents are complete; a drop means a Redis reset.

The dispatcher signs it. An epoch that does not verify counts as missing.
"""

import time
import uuid
from hashlib import sha1
from typing import cast

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import NoScriptError, client
from tasks.redis_store.signing import sign, verify

EPOCH_TTL = 60
"""Seconds; longer than a dispatcher tick takes while the database hangs."""
_KEY = "mirror-epoch"

# Does nothing if another dispatcher has advanced the epoch since it was read. A value of
# another type counts as missing.
_REPLACE = """
local current = redis.pcall('GET', KEYS[1])
if type(current) ~= 'string' then current = '' end
if current ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


class EpochGuard:
    """Comparison of the current epoch with the highest one seen by this process.

    A lower or missing epoch means that Redis was flushed or restored from an older file.
    Its documents may be older than ones already returned, so the rows are read instead.
    An epoch that has stood still for its whole TTL was written back by somebody else.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the highest epoch, as in a new process."""
        self._highest = 1
        self._raised_at = time.monotonic()
        self._last_value: bytes | None = None
        self._last_epoch = 0

    def is_current(self, value: bytes | None) -> bool:
        if value != self._last_value:  # verified once: it changes once a second
            self._last_value, self._last_epoch = value, _parse(value)
        epoch = self._last_epoch
        if epoch > self._highest:
            self._highest, self._raised_at = epoch, time.monotonic()
        return epoch >= self._highest and time.monotonic() < self._raised_at + EPOCH_TTL


epoch_guard = EpochGuard()


class ServerRun:
    """Mark that tells one run of the Redis server from the next.

    It is a script, because those are in the memory of the running server alone. `INFO` has a
    run id, but a user without dangerous commands may not run it.
    """

    def __init__(self) -> None:
        self._script = ""

    def identify(self) -> str:
        """Return the mark of this run; a new one if the server does not have the last."""
        try:
            if self._script:
                client().evalsha(sha1(self._script.encode()).hexdigest(), 0)  # noqa: S324
                return self._script
        except NoScriptError:
            pass
        self._script = f"return '{uuid.uuid4()}'"
        client().eval(self._script, 0)
        return self._script


server_run = ServerRun()


def get_server_epoch() -> tuple[str, int]:
    """Return the mark of this run of the Redis server and its epoch; 0 if it has none."""
    with breaker.guard():
        return server_run.identify(), _parse(_get())


def advance_epoch(last: int) -> int:
    """Declare the documents complete; return the new epoch, or 0 if it fell below `last`.

    Never lowers an epoch raised by another dispatcher, and never raises one that dropped.
    """
    with breaker.guard():
        value = _get()
        current = _parse(value)
        if current < last:
            return 0
        # Milliseconds, so that after a flush the epoch soon exceeds what polls have seen.
        epoch = max(current + 1, round(time.time() * 1000))
        replace = client().register_script(_REPLACE)
        signed = sign(_KEY, b"%d" % epoch)
        return (
            epoch if replace(keys=[_KEY], args=[value or b"", signed, EPOCH_TTL]) else 0
        )


def _get() -> bytes | None:
    # MGET answers nil where GET raises an error: for a value of another type.
    return cast("list[bytes | None]", client().mget(_KEY))[0]


def _parse(value: bytes | None) -> int:
    return int(verify(_KEY, value) or 0)
