"""Workers that have registered, and the activity of each.

Two hashes by the worker's name: `workers` says which process it is, and has a new value at
each registration; `worker-activity` has a new value at each start of a task and heartbeat.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client, to_json
from tasks.redis_store.signing import sign, verify

_WORKERS = "workers"
_ACTIVITY = "worker-activity"

# A key of another type is replaced.
_PUT = """
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
"""
# A key of another type counts as missing.
_GET_BOTH = """
local result = {}
for i = 1, 2 do
    local fields = redis.pcall('HGETALL', KEYS[i])
    result[i] = fields.err and {} or fields
end
return result
"""


@dataclass(frozen=True)
class Registration:
    """A worker's own account of itself."""

    name: str
    host: str
    pid: int
    start_ticks: int
    queues: tuple[str, ...]
    held_count: int = 0
    """Number of messages that it has taken and not begun."""
    has_stopped: bool = False
    registered_at: int = 0


@dataclass(frozen=True)
class RegisteredWorker:
    registration: Registration
    activity: bytes | None
    """Value that differs after each activity; None if there was none."""


def register_worker(registration: Registration) -> None:
    """Store the registration of a worker in place of its earlier one."""
    content = {**asdict(registration), "registered_at": time.time_ns()}
    _put(_WORKERS, registration.name, to_json(content))


def record_activity(name: str) -> None:
    """Note that the worker has started a task, or works on one."""
    _put(_ACTIVITY, name, b"%d" % time.time_ns())


def get_workers() -> list[RegisteredWorker]:
    """Return all registered workers; those with a forged registration are left out."""
    with breaker.guard():
        answer = client().register_script(_GET_BOTH)(keys=[_WORKERS, _ACTIVITY])
    registrations, activities = (_verified(key, fields) for key, fields in zip((_WORKERS, _ACTIVITY), answer, strict=True))  # fmt: skip
    return [
        RegisteredWorker(_parse(content), activities.get(name))
        for name, content in registrations.items()
    ]


def forget_worker(name: str) -> None:
    with breaker.guard():
        for key in (_WORKERS, _ACTIVITY):
            client().hdel(key, name)


def _put(key: str, name: str, value: bytes) -> None:
    signed = sign(f"{key}/{name}", value)
    with breaker.guard():
        client().register_script(_PUT)(keys=[key], args=[name, signed])


def _verified(key: str, fields: list[bytes]) -> Mapping[str, bytes]:
    """Return the signed values of a hash, which Lua returns as a flat list, by their names."""
    names = [name.decode(errors="replace") for name in fields[::2]]
    verified = {
        name: verify(f"{key}/{name}", value)
        for name, value in zip(names, fields[1::2], strict=True)
    }
    return {name: value for name, value in verified.items() if value is not None}


def _parse(content: bytes) -> Registration:
    values = json.loads(content)
    return Registration(**{**values, "queues": tuple(values["queues"])})
