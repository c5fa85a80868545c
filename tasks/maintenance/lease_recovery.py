"""Finds the tasks whose workers are silent, and says what becomes of each."""

import uuid
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from tasks import lifecycle, redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.errors import TimedOut, WorkerLost
from tasks.models import Task
from tasks.states import State

AT_ONCE = 200


def recover(*, has_all_marks: bool = True) -> int:
    """Move on every running task whose worker is silent; how many there were.

    Without all marks of what computes in Redis it cannot be told who is lost; and without
    Redis nothing would be made meanwhile.
    """
    silent = Task.objects.filter(state=State.RUNNING, lease_until__lt=Now())
    silent = silent.annotate(is_late=Q(deadline__lte=Now())).order_by("lease_until")
    tasks = list(silent[:AT_ONCE])
    try:
        computing = redis_store.vouched(task.pk for task in tasks)
    except RedisUnavailable:
        has_all_marks, computing = False, set()
    return sum(
        _recover(task, computing)
        for task in tasks
        if has_all_marks or task.pk in computing or task.cancel_requested_at
    )


def _recover(task: Any, computing: set[uuid.UUID]) -> bool:
    if task.pk in computing and task.cancel_requested_at is None:
        # Not lost, but inside code that lets nothing else of it run.
        return bool(task.is_late) and lifecycle.reclaim(task, TimedOut())
    if task.attempt >= lifecycle.MAX_ATTEMPTS:
        return lifecycle.reclaim(task, WorkerLost())
    return lifecycle.reclaim(task, None)
