"""Keys with a TTL: liveness of components and CPU activity of tasks.

Each has the time at which it ends, signed: what is written back later does not count. All
times are by the clock of Redis, because those of the hosts may differ.
"""

import uuid
from collections.abc import Iterable

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client
from tasks.redis_store.signed_numbers import set_max
from tasks.redis_store.signing import sign, verify


def set_alive(component: str, *, seconds: int) -> None:
    """Mark a component alive for at least `seconds`; a longer time is kept."""
    expires_at = _time_after(seconds)
    content = b"%d" % expires_at
    set_max(expires_at, {f"liveness:{component}": (content, seconds)})


def get_alive(names: Iterable[str]) -> dict[str, bool]:
    """Return for each component name whether it is alive."""
    names = list(names)
    marked_keys = _marked([f"liveness:{name}" for name in names])
    return {name: f"liveness:{name}" in marked_keys for name in names}


def set_cpu_active(task_ids: Iterable[str], *, seconds: int) -> None:
    """Mark tasks whose processes use CPU time, even without a heartbeat."""
    task_ids = list(task_ids)
    if not task_ids:
        return
    content = b"%d" % _time_after(seconds)
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        for task_id in task_ids:
            key = f"cpu-active:{task_id}"
            pipeline.set(key, sign(key, content), ex=seconds)
        pipeline.execute()


def get_cpu_active(task_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the tasks whose processes recently used CPU time."""
    task_ids = list(task_ids)
    marked_keys = _marked([f"cpu-active:{task_id}" for task_id in task_ids])
    return {task_id for task_id in task_ids if f"cpu-active:{task_id}" in marked_keys}


def clear_cpu_active(task_id: uuid.UUID) -> None:
    with breaker.guard():
        client().delete(f"cpu-active:{task_id}")


def _time_after(seconds: int) -> int:
    with breaker.guard():
        now, _microseconds = client().time()
    return int(now) + seconds


def _marked(keys: list[str]) -> set[str]:
    """Return those of the keys that have a signed time which has not passed."""
    if not keys:
        return set()
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        pipeline.mget(keys)
        pipeline.time()
        values, (now, _microseconds) = pipeline.execute()
    times = {key: verify(key, value) for key, value in zip(keys, values, strict=True)}
    return {key for key, end in times.items() if end and int(end) >= now}
