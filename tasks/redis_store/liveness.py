"""Keys with a TTL: liveness, CPU activity and access versions."""

import uuid
from collections.abc import Iterable

from django.conf import settings

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client

ACCESS_VERSION_TTL = 60

_SET_MAX = """
if tonumber(redis.call('GET', KEYS[1]) or '-1') <= tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""


def set_alive(component: str, *, seconds: int) -> None:
    """Mark a component alive for at least `seconds`; a longer TTL is kept."""
    key = f"liveness:{component}"
    with breaker.guard(), client().pipeline() as pipeline:
        pipeline.set(key, 1, ex=seconds, nx=True)
        pipeline.expire(key, seconds, gt=True)
        pipeline.execute()


def get_alive(names: Iterable[str]) -> dict[str, bool]:
    """Return for each component name whether it is alive."""
    names = list(names)
    with breaker.guard():
        values = client().mget([f"liveness:{name}" for name in names])
    return {name: value is not None for name, value in zip(names, values, strict=True)}


def set_cpu_active(task_ids: Iterable[str], *, seconds: int) -> None:
    """Mark tasks whose processes use CPU time, even without a heartbeat."""
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        for task_id in task_ids:
            pipeline.set(f"cpu-active:{task_id}", 1, ex=seconds)
        pipeline.execute()


def get_cpu_active(task_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the tasks whose processes recently used CPU time."""
    task_ids = list(task_ids)
    if not task_ids:
        return set()
    with breaker.guard():
        values = client().mget([f"cpu-active:{task_id}" for task_id in task_ids])
    return {task_id for task_id, value in zip(task_ids, values, strict=True) if value}


def clear_cpu_active(task_id: uuid.UUID) -> None:
    with breaker.guard():
        client().delete(f"cpu-active:{task_id}")


def set_access_version(user_id: int, access_version: int, *, is_change: bool) -> None:
    """Store a user's access version; one merely read never replaces an existing key."""
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        pipeline.set(
            f"access-version:{user_id}",
            access_version,
            ex=ACCESS_VERSION_TTL,
            nx=not is_change,
        )
        ttl = round(settings.ACCESS_TOKEN_LIFETIME.total_seconds())
        pipeline.eval(_SET_MAX, 1, f"access-version-max:{user_id}", access_version, ttl)
        pipeline.execute()


def get_max_access_version(user_id: int) -> int | None:
    """Return the user's highest access version stored within the life of a token."""
    with breaker.guard():
        value = client().get(f"access-version-max:{user_id}")
    return None if value is None else int(value)
