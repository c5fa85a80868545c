"""Lease recovery for tasks whose worker is silent."""

import uuid
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from tasks import lifecycle, redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.failures import TimedOut, WorkerLost
from tasks.models import Task
from tasks.states import State

BATCH_SIZE = 200


def recover_tasks(*, is_cpu_activity_complete: bool = True) -> int:
    """Requeue or fail running tasks with an expired lease; return how many changed.

    While the CPU activity keys in Redis are incomplete, a lost task cannot be told from a
    computing one, so only tasks that compute or are to be canceled are handled. Without
    Redis, waiting costs nothing, because no worker could take a requeued task anyway.
    """
    expired_leases = Task.objects.filter(state=State.RUNNING, lease_until__lt=Now())
    expired_leases = expired_leases.annotate(is_late=Q(deadline__lte=Now())).order_by(
        "lease_until"
    )
    tasks = list(expired_leases[:BATCH_SIZE])
    try:
        cpu_active_ids = redis_store.get_cpu_active(task.pk for task in tasks)
    except RedisUnavailable:
        is_cpu_activity_complete, cpu_active_ids = False, set()
    return sum(
        _recover_task(task, cpu_active_ids)
        for task in tasks
        if is_cpu_activity_complete
        or task.pk in cpu_active_ids
        or task.cancel_requested_at
    )


def _recover_task(task: Any, cpu_active_ids: set[uuid.UUID]) -> bool:
    if task.pk in cpu_active_ids and task.cancel_requested_at is None:
        # Not lost: the report runs C code that blocks its heartbeat thread.
        return bool(task.is_late) and lifecycle.reclaim(task, TimedOut())
    if task.attempt >= lifecycle.MAX_ATTEMPTS:
        return lifecycle.reclaim(task, WorkerLost())
    return lifecycle.reclaim(task, None)
