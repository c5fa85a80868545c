"""Outbox: publishes queued rows in fair order and keeps the Redis queues short."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import BooleanField, Case, Exists, Q, QuerySet, Value, When
from django.db.models.functions import Now

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


def queue_order(queue: str) -> list[QueuedTask]:
    """Return the unpublished tasks of the queue in fair order."""
    active_tasks = _active_tasks(queue).order_by("id")
    in_flight = active_tasks.filter(_IN_FLIGHT).values_list("requester_id", "school_id")
    unpublished = active_tasks.filter(state=State.QUEUED, published_at=None)
    return fair_order(_to_queued_tasks(unpublished[: settings.MAX_QUEUED]), in_flight)


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
    rows = tasks.values_list("pk", "requester_id", "school_id", "kind", "parameters")
    return [
        QueuedTask(pk, requester, school, workload_key(kind, parameters))
        for pk, requester, school, kind, parameters in rows
    ]
