"""Keys with a TTL: liveness of components and CPU activity of tasks."""

import uuid
from collections.abc import Iterable
from typing import cast

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client
from tasks.redis_store.signing import sign, verify

# Keeps a longer TTL. A value that is not the signed one is replaced, and so is one that
# never expires.
_SET_ALIVE = """
local is_signed = redis.pcall('GET', KEYS[1]) == ARGV[1]
if is_signed and redis.call('TTL', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


def set_alive(component: str, *, seconds: int) -> None:
    """Mark a component alive for at least `seconds`; a longer TTL is kept."""
    key = f"liveness:{component}"
    with breaker.guard():
        client().register_script(_SET_ALIVE)(
            keys=[key], args=[_sign_mark(key), seconds]
        )


def get_alive(names: Iterable[str]) -> dict[str, bool]:
    """Return for each component name whether it is alive."""
    names = list(names)
    marked_keys = _marked([f"liveness:{name}" for name in names])
    return {name: f"liveness:{name}" in marked_keys for name in names}


def set_cpu_active(task_ids: Iterable[str], *, seconds: int) -> None:
    """Mark tasks whose processes use CPU time, even without a heartbeat."""
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        for task_id in task_ids:
            key = f"cpu-active:{task_id}"
            pipeline.set(key, _sign_mark(key), ex=seconds)
        pipeline.execute()


def get_cpu_active(task_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the tasks whose processes recently used CPU time."""
    task_ids = list(task_ids)
    marked_keys = _marked([f"cpu-active:{task_id}" for task_id in task_ids])
    return {task_id for task_id in task_ids if f"cpu-active:{task_id}" in marked_keys}


def clear_cpu_active(task_id: uuid.UUID) -> None:
    with breaker.guard():
        client().delete(f"cpu-active:{task_id}")


def _sign_mark(key: str) -> bytes:
    return sign(key, b"1")


def _marked(keys: list[str]) -> set[str]:
    """Return those of the keys that have a signed value."""
    if not keys:
        return set()
    with breaker.guard():
        values = cast("list[bytes | None]", client().mget(keys))
    return {key for key, value in zip(keys, values, strict=True) if verify(key, value)}
