"""Limits on the active tasks of a requester and on the length of a queue."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from school.models import User
from school.prepared_sql import Parameter
from school.subqueries import CountOf
from tasks.errors import QueueFull, TooManyActive
from tasks.models import Task
from tasks.states import State
from tasks.status import estimates, lists

THROUGHPUT_WINDOW = timedelta(minutes=1)
DEFAULT_RETRY_AFTER = 10
"""Seconds until a full requester tries again, without an estimate of their own tasks."""
MAX_RETRY_AFTER = 300
QUEUE_HEADROOM = 1000
"""Tasks that the processes accept within a second at most: a queue that is shorter than the limit
by more is counted once a second, since counting takes the longer the queue is."""
MAX_TASKS_ESTIMATED = 50
"""Oldest active tasks of a requester among which the first to end is looked for."""


@dataclass(frozen=True)
class Quota:
    """Limit of a requester's active tasks, and how many more there may be."""

    limit: int
    remaining: int


def is_known_short(queue: str) -> bool:
    """Return whether the queue was far from its limit within the last second."""
    length = cache.get(_length_key(queue))
    return length is not None and length + QUEUE_HEADROOM <= settings.MAX_QUEUED


def count_active(viewer_id: Parameter, limit: int) -> CountOf:
    """Return the subquery of the requester's active tasks, counted up to the limit."""
    return CountOf(_active_tasks(viewer_id).values("requester")[:limit])


def count_queued(queue: Parameter, limit: int) -> CountOf:
    """Return the subquery of the queue's length, counted up to the limit."""
    return CountOf(_queued_tasks(queue).values("queue")[:limit])


def enforce_quotas(viewer: User, queue: str, values: Mapping[str, Any]) -> Quota:
    """Raise `TooManyActive` or `QueueFull` if the viewer may not add a task to the queue.

    Otherwise return the viewer's quota once the task is added. `values` are read in the
    transaction that inserts the task; the queue is not counted while `is_known_short`.
    """
    limit = settings.MAX_ACTIVE_PER_ROLE[viewer.role]
    if values["active_count"] >= limit:
        load = _count_load(viewer, queue) | {"limit": limit}
        raise TooManyActive(retry_after=DEFAULT_RETRY_AFTER, load=load)
    if (length := values.get("queue_length")) is not None:
        if length >= settings.MAX_QUEUED:
            load = _count_load(viewer, queue) | {"limit": settings.MAX_QUEUED}
            raise QueueFull(retry_after=_retry_after(queue), load=load)
        cache.set(_length_key(queue), length, timeout=1)
    return Quota(limit, limit - values["active_count"] - 1)


def seconds_until_own_end(viewer: User) -> int:
    """Estimate the seconds until the first of the viewer's active tasks ends.

    It reads Redis: call it outside of a transaction.
    """
    active = _active_tasks(viewer.pk).order_by("id")
    snapshots = lists.list_snapshots(active[:MAX_TASKS_ESTIMATED])
    estimates_ms = [
        estimates.remaining_ms(snapshot, estimates.queue_position(snapshot))
        for snapshot in snapshots
    ]
    # An overdue task is assumed to take as much again.
    known_ms = [abs(estimate) for estimate in estimates_ms if estimate is not None]
    if not known_ms:
        return DEFAULT_RETRY_AFTER
    return min(MAX_RETRY_AFTER, max(1, math.ceil(min(known_ms) / 1000)))


def _count_load(viewer: User, queue: str) -> dict[str, int]:
    """Count what a refused requester is told."""
    queued, running = Q(state=State.QUEUED), Q(state=State.RUNNING)
    counts = _active_tasks(viewer.pk).aggregate(
        own_queued=Count("pk", filter=queued), own_running=Count("pk", filter=running)
    )
    return counts | {"queue_length": _queued_tasks(queue).count()}


def _active_tasks(viewer_id: int | Parameter) -> QuerySet[Task]:
    active = [State.QUEUED, State.RUNNING]
    return Task.objects.filter(requester=viewer_id, state__in=active).order_by()


def _queued_tasks(queue: str | Parameter) -> QuerySet[Task]:
    return Task.objects.filter(state=State.QUEUED, queue=queue).order_by()


def _length_key(queue: str) -> str:
    return f"queue-length:{queue}"


def _retry_after(queue: str) -> int:
    """Estimate the seconds until the queue's next task starts, from 1 to 60."""
    recent = Task.objects.filter(queue=queue, started_at__gt=Now() - THROUGHPUT_WINDOW)
    return math.ceil(THROUGHPUT_WINDOW.total_seconds() / max(1, recent.count()))
