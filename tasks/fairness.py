"""Which waiting task is published next, so that nobody starves and Redis stays short."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, Now, RowNumber

from school import connections
from tasks import publishing, store
from tasks.breaker import RedisAway
from tasks.models import Task
from tasks.states import State

log = structlog.get_logger(__name__)

_IN_FLIGHT = Q(state=State.RUNNING) | Q(published_at__isnull=False)


def publish_if_room(task: Task) -> None:
    """Publish at once if the queue is short and the requester under their share.

    If not, or if Redis is away, the row waits for the dispatcher.
    """
    active = _active(task.queue)
    counts = active.aggregate(
        published=Count("pk", filter=Q(state=State.QUEUED, published_at__isnull=False)),
        own=Count("pk", filter=_IN_FLIGHT & Q(requester=task.requester_id)),
    )
    share = max(1, settings.PUBLISH_AHEAD // 4)
    if counts["published"] < settings.PUBLISH_AHEAD and counts["own"] < share:
        try:
            _publish(task)
        except RedisAway:
            log.warning("publish_postponed", task_id=str(task.pk))


def publish_next(queue: str) -> int:
    """Fill the queue up, round-robin over the requesters; how many were published."""
    waiting = _active(queue).filter(state=State.QUEUED)
    room = settings.PUBLISH_AHEAD - waiting.exclude(published_at=None).count()
    if room <= 0:
        return 0
    # A requester's first task has turn 1, and later by what they have under way already.
    turn = Window(RowNumber(), partition_by="requester_id", order_by="id")
    under_way = _active(queue).filter(_IN_FLIGHT, requester=OuterRef("requester"))
    counted = (
        under_way.order_by().values("requester").annotate(n=Count("pk")).values("n")
    )
    next_ones = (
        waiting.filter(published_at=None)
        .annotate(own=turn, under_way=Coalesce(Subquery(counted), 0))
        .order_by(F("own") + F("under_way"), "id")[:room]
    )
    tasks = list(next_ones)
    for task in tasks:
        _publish(task)
    return len(tasks)


def publish_lost_again(queue: str) -> int:
    """Publish again what was published long ago and has no message; how many there were.

    One that a worker is just taking may be doubled, which does no harm: one claim wins.
    """
    long_ago = Now() - timedelta(seconds=settings.REPUBLISH_SECONDS)
    old = _active(queue).filter(state=State.QUEUED, published_at__lt=long_ago)
    tasks = list(old.order_by("id")[: settings.PUBLISH_AHEAD])
    if not tasks:
        return 0
    waiting = store.message_ids(queue)
    lost = [task for task in tasks if str(task.pk) not in waiting]
    for task in lost:
        log.warning("message_lost", task_id=str(task.pk))
        _publish(task)
    return len(lost)


def _publish(task: Task) -> None:
    connections.give_back()
    publishing.publish(task.pk, queue=task.queue, time_limit=task.time_limit)
    Task.objects.filter(pk=task.pk, state=State.QUEUED).update(published_at=Now())


def _active(queue: str) -> QuerySet[Task]:
    return Task.objects.filter(queue=queue, state__in=[State.QUEUED, State.RUNNING])
