"""Outbox: publishes queued rows in fair order and keeps the Redis queues short."""

import uuid
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Now

from school.db import connections
from school.prepared_sql import Parameter
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.models import Task
from tasks.scheduling import broker
from tasks.scheduling.fair_order import QueuedTask, fair_order, workload_key
from tasks.states import State

log = structlog.get_logger(__name__)

MIN_AGE = timedelta(seconds=2)
"""If an unpublished task is older than this, new tasks are not published directly."""
READ_BATCH_SIZE = 500
"""Rows that one statement reads by their ids."""
_ORDER_FIELDS = ("pk", "requester_id", "school_id", "kind", "parameters")
_ID_TEXT = Cast("id", TextField())
"""Id as the database writes it: to compare texts is faster than to build UUIDs."""
_IN_FLIGHT = Q(state=State.RUNNING) | Q(published_at__isnull=False)


def has_room(requester_id: Parameter, queue: Parameter, limit: int) -> Case | Value:
    """Return the SQL condition under which a new task is published at once.

    The queue must be short, the requester below their share, and no older task unpublished;
    otherwise the dispatcher publishes the row later. The first condition that does not hold
    ends the evaluation, so a long queue is not counted.
    """
    if limit < 1:
        return Value(False)
    active = _active_tasks(queue).order_by()
    unpublished = active.filter(state=State.QUEUED, published_at=None)
    own = active.filter(_IN_FLIGHT, requester=requester_id)
    share = max(1, limit // 4)
    published = _published_tasks(queue).order_by()
    return Case(
        When(Exists(unpublished.filter(created_at__lt=Now() - MIN_AGE)), then=False),
        When(Exists(own[share - 1 :]), then=False),
        When(Exists(published[limit - 1 :]), then=False),
        default=True,
        output_field=BooleanField(),
    )


def try_send(task: Task) -> bool:
    """Send the message of the task, whose row the caller updates; False without Redis."""
    try:
        _send(task)
    except RedisUnavailable:
        log.warning("publish_deferred", task_id=str(task.pk))
        return False
    return True


class QueueReader:
    """Reader of a queue's order; it reads the row of a task that waits only once.

    Nothing that decides the order of a task changes while it waits, and to read the rows of
    ten thousand tasks takes ten times as long as to read their ids.
    """

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._tasks: dict[str, QueuedTask] = {}
        """The tasks of the last order by their ids as text, oldest first."""

    def read_order(self) -> list[QueuedTask]:
        """Return the unpublished tasks of the queue in fair order."""
        active_tasks = _active_tasks(self._queue).order_by("id")
        in_flight = active_tasks.filter(_IN_FLIGHT)
        unpublished = active_tasks.filter(state=State.QUEUED, published_at=None)
        ids = list(unpublished.values_list(_ID_TEXT, flat=True)[: settings.MAX_QUEUED])
        known_tasks = self._tasks | self._read_tasks(
            [task_id for task_id in ids if task_id not in self._tasks]
        )
        self._tasks = {
            task_id: known_tasks[task_id] for task_id in ids if task_id in known_tasks
        }
        return fair_order(
            self._tasks.values(), in_flight.values_list("requester_id", "school_id")
        )

    def _read_tasks(self, ids: list[str]) -> dict[str, QueuedTask]:
        tasks: dict[str, QueuedTask] = {}
        for start in range(0, len(ids), READ_BATCH_SIZE):
            batch = Task.objects.filter(pk__in=ids[start : start + READ_BATCH_SIZE])
            for id_text, *values in batch.values_list(_ID_TEXT, *_ORDER_FIELDS):
                tasks[id_text] = _to_queued_task(*values)
        return tasks


def published_order(queue: str) -> list[QueuedTask]:
    """Return the published tasks of the queue in the order in which workers take them."""
    return _to_queued_tasks(_published_tasks(queue).order_by("published_at", "id"))


def publish_next(queue: str, backlog: list[QueuedTask], target: int) -> int:
    """Fill the queue up to `target` messages from the head of `backlog`.

    Removes the handled tasks from `backlog`; returns the number of published tasks.
    """
    capacity = max(0, target - _published_tasks(queue).count())
    unpublished = _active_tasks(queue).filter(state=State.QUEUED, published_at=None)
    tasks = unpublished.in_bulk([entry.id for entry in backlog[:capacity]])
    for entry in backlog[:capacity]:
        if entry.id in tasks:
            _publish(tasks[entry.id])
    del backlog[:capacity]
    return len(tasks)


def republish_lost(queue: str) -> int:
    """Republish tasks that were published long ago and have no message; return how many.

    A task that a worker is just receiving may be published twice. This is harmless,
    because only one claim succeeds.
    """
    cutoff = Now() - timedelta(seconds=settings.REPUBLISH_AFTER_SECONDS)
    overdue = _active_tasks(queue).filter(state=State.QUEUED, published_at__lt=cutoff)
    tasks = list(overdue.order_by("id")[: settings.MAX_PUBLISHED_PER_QUEUE])
    if not tasks:
        return 0
    queued_ids = redis_store.message_ids(queue)
    lost_tasks = [task for task in tasks if str(task.pk) not in queued_ids]
    for task in lost_tasks:
        log.warning("message_lost", task_id=str(task.pk))
        _publish(task)
    return len(lost_tasks)


def _send(task: Task) -> None:
    connections.return_to_pool()
    broker.publish_task(task.pk, queue=task.queue, time_limit=task.time_limit)


def _publish(task: Task) -> None:
    _send(task)
    mark_published(task)


def mark_published(task: Task) -> None:
    """Store that the message was sent, unless the task was claimed or canceled meanwhile."""
    Task.objects.filter(pk=task.pk, state=State.QUEUED).update(published_at=Now())


def _active_tasks(queue: str | Parameter) -> QuerySet[Task]:
    return Task.objects.filter(queue=queue, state__in=[State.QUEUED, State.RUNNING])


def _published_tasks(queue: str | Parameter) -> QuerySet[Task]:
    return _active_tasks(queue).filter(state=State.QUEUED, published_at__isnull=False)


def _to_queued_tasks(tasks: QuerySet[Task]) -> list[QueuedTask]:
    return [_to_queued_task(*values) for values in tasks.values_list(*_ORDER_FIELDS)]


def _to_queued_task(
    task_id: uuid.UUID,
    requester_id: int,
    school_id: int | None,
    kind: str,
    parameters: dict[str, Any],
) -> QueuedTask:
    return QueuedTask(task_id, requester_id, school_id, workload_key(kind, parameters))
