"""Lists of a requester's tasks: which they are, and their snapshots."""

import uuid
from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform

from school.access import still_visible
from school.db import connections
from school.json_ids import JsonListContains
from school.models import User
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.models import Task
from tasks.status.reader import TaskSnapshot, from_cache, from_row


def tasks_for(viewer: User) -> QuerySet[Task]:
    """Return the viewer's own tasks whose scope they may still see."""
    return Task.objects.filter(still_visible(viewer, "scope"), requester=viewer)


def names_class(class_id: int) -> Q:
    """Return the filter for tasks whose parameters name the class, alone or among others."""
    class_ids = KeyTransform("class_ids", "parameters")
    is_listed = JsonListContains(class_ids, Value(class_id))
    return Q(parameters__class_id=class_id) | Q(is_listed)


def list_snapshots(tasks: Iterable[Task]) -> list[TaskSnapshot]:
    """Build snapshots of one requester's rows, as just read, without the reports' rows.

    The progress and the queue positions of active tasks come from Redis, by one command.
    """
    tasks = list(tasks)
    cached_tasks = _cached_active_tasks(tasks)
    snapshots = []
    for task in tasks:
        cached_task = cached_tasks.get(task.pk, redis_store.MISS)
        meta = cached_task.meta
        if meta is not None and (meta.viewer_id, meta.version) == (
            task.requester_id,
            task.version,
        ):
            snapshots.append(from_cache(task.pk, meta, cached_task))
        else:
            positions = cached_task.queue_positions
            snapshots.append(from_row(task, positions, with_data=False))
    return snapshots


def _cached_active_tasks(
    tasks: Sequence[Task],
) -> dict[uuid.UUID, redis_store.CachedTask]:
    active_ids = [task.pk for task in tasks if not task.is_final]
    if not active_ids:
        return {}
    connections.return_to_pool()
    try:
        cached_tasks = redis_store.get_cached_tasks(active_ids, tasks[0].requester_id)
    except RedisUnavailable:
        return {}
    return dict(zip(active_ids, cached_tasks, strict=True))
