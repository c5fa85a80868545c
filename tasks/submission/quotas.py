"""Limits on the active tasks of a requester and on the length of a queue."""

import math
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Now

from school.models import User
from tasks.errors import QueueFull, TooManyActive
from tasks.models import Task
from tasks.states import State
from tasks.status import estimates, lists

THROUGHPUT_WINDOW = timedelta(minutes=1)
DEFAULT_RETRY_AFTER = 10
"""Seconds until a full requester tries again, without an estimate of their own tasks."""
MAX_RETRY_AFTER = 300
MAX_TASKS_ESTIMATED = 50
"""Oldest active tasks of a requester among which the first to end is looked for."""


@dataclass(frozen=True)
class Quota:
    """Limit of a requester's active tasks, and how many more there may be."""

    limit: int
    remaining: int


def enforce_quotas(viewer: User, queue: str) -> Quota:
    """Raise `TooManyActive` or `QueueFull` if the viewer may not add a task to the queue.

    Otherwise return the viewer's quota once the task is added. The check is exact only in
    the transaction that inserts the task.
    """
    queued, running = Q(state=State.QUEUED), Q(state=State.RUNNING)
    own = Task.objects.filter(queued | running, requester=viewer).aggregate(
        queued=Count("pk", filter=queued), running=Count("pk", filter=running)
    )
    load = {
        "own_queued": own["queued"],
        "own_running": own["running"],
        "queue_length": Task.objects.filter(queued, queue=queue).count(),
    }
    limit = settings.MAX_ACTIVE_PER_ROLE[viewer.role]
    active_count = own["queued"] + own["running"]
    if active_count >= limit:
        raise TooManyActive(
            retry_after=DEFAULT_RETRY_AFTER, load=load | {"limit": limit}
        )
    if load["queue_length"] >= settings.MAX_QUEUED:
        load["limit"] = settings.MAX_QUEUED
        raise QueueFull(retry_after=_retry_after(queue), load=load)
    return Quota(limit, limit - active_count - 1)


def seconds_until_own_end(viewer: User) -> int:
    """Estimate the seconds until the first of the viewer's active tasks ends.

    It reads Redis: call it outside of a transaction.
    """
    active = Task.objects.filter(
        requester=viewer, state__in=[State.QUEUED, State.RUNNING]
    )
    snapshots = lists.list_snapshots(active.order_by("id")[:MAX_TASKS_ESTIMATED])
    estimates_ms = [
        estimates.remaining_ms(snapshot, estimates.queue_position(snapshot))
        for snapshot in snapshots
    ]
    # An overdue task is assumed to take as much again.
    known_ms = [abs(estimate) for estimate in estimates_ms if estimate is not None]
    if not known_ms:
        return DEFAULT_RETRY_AFTER
    return min(MAX_RETRY_AFTER, max(1, math.ceil(min(known_ms) / 1000)))


def _retry_after(queue: str) -> int:
    """Estimate the seconds until the queue's next task starts, from 1 to 60."""
    recent = Task.objects.filter(queue=queue, started_at__gt=Now() - THROUGHPUT_WINDOW)
    return math.ceil(THROUGHPUT_WINDOW.total_seconds() / max(1, recent.count()))
