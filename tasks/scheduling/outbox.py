"""Which waiting task is published next, so that nobody starves and Redis stays short."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from school.db import connections
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.models import Task
from tasks.scheduling import broker
from tasks.scheduling.fair_order import Waiting, in_turn, shape
from tasks.states import State

log = structlog.get_logger(__name__)

STANDING = timedelta(seconds=2)
"""What has waited for longer than this stands in a line that nobody jumps."""
_IN_FLIGHT = Q(state=State.RUNNING) | Q(published_at__isnull=False)


def publish_if_room(task: Task) -> None:
    """Publish at once if the queue is short and the requester under their share.

    If not, or if others stand in line, or if Redis is away, the row waits for the
    dispatcher.
    """
    active = _active(task.queue)
    unpublished = active.filter(state=State.QUEUED, published_at=None)
    if unpublished.filter(created_at__lt=Now() - STANDING).exists():
        return
    own = active.filter(_IN_FLIGHT, requester=task.requester_id).count()
    share = max(1, settings.MAX_PUBLISHED_PER_QUEUE // 4)
    if (
        own < share
        and _published(task.queue).count() < settings.MAX_PUBLISHED_PER_QUEUE
    ):
        try:
            _publish(task)
        except RedisUnavailable:
            log.warning("publish_postponed", task_id=str(task.pk))


def line_up(queue: str) -> list[Waiting]:
    """What waits in the queue unpublished, in the order in which it is to be served."""
    active = _active(queue).order_by("id")
    under_way = active.filter(_IN_FLIGHT).values_list("requester_id", "school_id")
    unpublished = active.filter(state=State.QUEUED, published_at=None)
    return in_turn(_waiting(unpublished[: settings.MAX_QUEUED]), under_way)


def published(queue: str) -> list[Waiting]:
    """What the workers are about to take, in the order in which they will."""
    return _waiting(_published(queue).order_by("published_at", "id"))


def publish_next(queue: str, line: list[Waiting], ahead: int) -> int:
    """Fill the queue up to that many messages from the head of the line, which is left
    shorter by that; how many were published."""
    room = max(0, ahead - _published(queue).count())
    unpublished = _active(queue).filter(state=State.QUEUED, published_at=None)
    tasks = unpublished.in_bulk([waiting.id for waiting in line[:room]])
    for waiting in line[:room]:
        if waiting.id in tasks:
            _publish(tasks[waiting.id])
    del line[:room]
    return len(tasks)


def publish_lost_again(queue: str) -> int:
    """Publish again what was published long ago and has no message; how many there were.

    One that a worker is just taking may be doubled, which does no harm: one claim wins.
    """
    long_ago = Now() - timedelta(seconds=settings.REPUBLISH_AFTER_SECONDS)
    old = _active(queue).filter(state=State.QUEUED, published_at__lt=long_ago)
    tasks = list(old.order_by("id")[: settings.MAX_PUBLISHED_PER_QUEUE])
    if not tasks:
        return 0
    waiting = redis_store.message_ids(queue)
    lost = [task for task in tasks if str(task.pk) not in waiting]
    for task in lost:
        log.warning("message_lost", task_id=str(task.pk))
        _publish(task)
    return len(lost)


def _publish(task: Task) -> None:
    connections.give_back()
    broker.publish(task.pk, queue=task.queue, time_limit=task.time_limit)
    Task.objects.filter(pk=task.pk, state=State.QUEUED).update(published_at=Now())


def _active(queue: str) -> QuerySet[Task]:
    return Task.objects.filter(queue=queue, state__in=[State.QUEUED, State.RUNNING])


def _published(queue: str) -> QuerySet[Task]:
    return _active(queue).filter(state=State.QUEUED, published_at__isnull=False)


def _waiting(tasks: QuerySet[Task]) -> list[Waiting]:
    rows = tasks.values_list("pk", "requester_id", "school_id", "kind", "parameters")
    return [
        Waiting(pk, requester, school, shape(kind, parameters))
        for pk, requester, school, kind, parameters in rows
    ]
