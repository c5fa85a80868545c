"""Limits on the active tasks of a requester and on the length of a queue."""

import math
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Now

from school.models import User
from tasks.errors import QueueFull, TooManyActive
from tasks.models import Task
from tasks.states import State

THROUGHPUT_WINDOW = timedelta(minutes=1)


def enforce_quotas(viewer: User, queue: str) -> None:
    """Raise `TooManyActive` or `QueueFull` if the viewer may not add a task to the queue.

    The check is exact only in the transaction that inserts the task.
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
    if own["queued"] + own["running"] >= limit:
        raise TooManyActive(
            retry_after=_retry_after(queue), load=load | {"limit": limit}
        )
    if load["queue_length"] >= settings.MAX_QUEUED:
        load["limit"] = settings.MAX_QUEUED
        raise QueueFull(retry_after=_retry_after(queue), load=load)


def _retry_after(queue: str) -> int:
    """Estimate the seconds until the queue's next task starts, from 1 to 60."""
    recent = Task.objects.filter(queue=queue, started_at__gt=Now() - THROUGHPUT_WINDOW)
    return math.ceil(THROUGHPUT_WINDOW.total_seconds() / max(1, recent.count()))
