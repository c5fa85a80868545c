"""Finds the tasks whose workers are silent, and says what becomes of each."""

import uuid
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Now

from tasks import lifecycle, store
from tasks.breaker import RedisAway
from tasks.errors import TimedOut, WorkerLost
from tasks.models import Task
from tasks.states import State

AT_ONCE = 200


def recover() -> int:
    """Move on every running task whose worker is silent; how many there were."""
    silent = Task.objects.filter(state=State.RUNNING, lease_until__lt=Now())
    tasks = list(
        silent.annotate(
            # Who used its time up was renewing until then, so that its lease ends after it.
            late=Q(deadline__lte=F("lease_until")),
            past_deadline=Q(deadline__lte=Now()),
        ).order_by("lease_until")[:AT_ONCE]
    )
    try:
        computing = store.vouched(task.pk for task in tasks)
    except RedisAway:
        computing = None
    return sum(_recover(task, computing) for task in tasks)


def _recover(task: Any, computing: set[uuid.UUID] | None) -> bool:
    if task.late:
        return lifecycle.end_silent(task, TimedOut())
    if task.cancel_requested_at is None:
        if computing is None:
            return (
                False  # who is lost cannot be told, and without Redis nothing is made
            )
        if task.pk in computing:
            # Not lost, but inside code that lets nothing else of it run.
            return bool(task.past_deadline) and lifecycle.end_silent(task, TimedOut())
    if task.attempt >= lifecycle.MAX_ATTEMPTS:
        return lifecycle.end_silent(task, WorkerLost())
    return lifecycle.end_silent(task, None)
