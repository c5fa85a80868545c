"""Writes what the row says into the Redis result backend."""

import json
import time
import uuid
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from school.db import connections
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.models import Task, Tombstone
from tasks.progress import Progress
from tasks.states import CELERY_FAILURES, CELERY_STATES, FINAL, State
from tasks.status import document as task_document

PASSING_SECONDS = 10 * 60
"""Life of a document that is not final: longer than a database is likely to be away."""
FINAL_SECONDS = int(timedelta(days=1).total_seconds())
"""Life of a final one; afterwards the row answers."""


def write(task: Task) -> bool:
    """Bring Redis up to the row as it was just read. Only ever called after the commit.

    False if Redis is away: the row remembers what it lacks, and the dispatcher repairs it.
    """
    connections.give_back()
    try:
        if task.state == State.EXPIRED:
            redis_store.drop_document(task.pk)
        else:
            put(task, _progress(task))
    except RedisUnavailable:
        return False
    as_read = Task.objects.filter(pk=task.pk, version=task.version)
    is_told = task.projected_version == task.version
    if not (
        as_read.exists() if is_told else as_read.update(projected_version=task.version)
    ):
        # The row has moved on, and its document may have gone meanwhile: then an old one
        # was put, by a process that slept in between.
        return repair(task.pk)
    return True


def repair(task_id: uuid.UUID) -> bool:
    """Bring Redis up to the row, whatever that is by now; False if Redis is away."""
    task = Task.objects.filter(pk=task_id).first()
    if task is not None:
        return write(task)
    connections.give_back()
    try:
        redis_store.drop_document(task_id)
    except RedisUnavailable:
        return False
    return True


def shown() -> list[uuid.UUID]:
    """The tasks that may have a document in Redis, or ought to: newest first."""
    a_life_ago = Now() - timedelta(seconds=FINAL_SECONDS)
    ended = Q(finished_at__gt=a_life_ago)
    erased = Q(state=State.EXPIRED, expires_at__gt=a_life_ago)  # maybe before its time
    tasks = Task.objects.filter(~Q(state__in=FINAL) | ended | erased)
    graves = Tombstone.objects.filter(purged_at__gt=a_life_ago)
    return [
        *graves.values_list("pk", flat=True),
        *tasks.order_by("-id").values_list("pk", flat=True),
    ]


def lagging(limit: int) -> list[uuid.UUID]:
    """The tasks whose document may be older than their row, or than its tombstone."""
    behind = Task.objects.exclude(projected_version=F("version")).order_by("id")
    graves = Tombstone.objects.filter(is_cleared=False).order_by("purged_at")
    return [
        *behind.values_list("pk", flat=True)[:limit],
        *graves.values_list("pk", flat=True)[:limit],
    ]


def put_progress(task: Task, progress: Progress, *, moment: int) -> bool:
    """Bring the document that is there up to that progress; whether there was one.

    Where there is none none is made: a worker that slept does not know what has become of
    the task. `moment` orders the documents of one version.
    """
    return put(task, progress, moment=moment, may_be_missing=False)


def put(
    task: Task, progress: Progress, *, moment: int = 0, may_be_missing: bool = True
) -> bool:
    document = task_document.build(task, progress)
    body = task_document.to_json({**document, **_exception(task)})
    celery = {
        "status": CELERY_STATES[State(task.state)],
        "traceback": None,
        "children": [],
        "date_done": document["finished_at"],
        "task_id": document["task_id"],
    }
    envelope = redis_store.Envelope(
        header(task, progress, moment), celery, body, _seconds_to_live(task)
    )
    return redis_store.put_document(task.pk, envelope, may_be_missing=may_be_missing)


def header(task: Task, progress: Progress, moment: int = 0) -> redis_store.Header:
    """What a poll must know of the document beside what it tells."""
    return redis_store.Header(
        version=task.version,
        moment=moment,
        viewer=task.requester_id,
        stamp=task.access_version,
        state=task.state,
        queue=task.queue,
        takes_ms=_milliseconds(task.expected_duration),
        ends_at_ms=_ends_at(task, progress, moment),
    )


def _progress(task: Task) -> Progress:
    """The row's; or what was shown before a move that is none of the worker's, such as the
    wish to cancel: the row hears of progress seldom, and it must not be seen to go back."""
    if task.state == State.RUNNING:
        held = redis_store.poll(task.pk, task.requester_id)
        before = held.header
        if before and (before.state, before.version) == (task.state, task.version - 1):
            shown = json.loads(held.document)["progress"]
            return Progress(shown["stage"], shown["done"], shown["total"])
    return Progress.from_task(task)


def _exception(task: Task) -> dict[str, Any]:
    """The keys without which Celery cannot read a failed or revoked result at all."""
    if task.state not in CELERY_FAILURES:
        return {}
    error = task.error or {"code": "canceled", "detail": "The task was canceled."}
    kind = "ReportFailed" if task.state == State.FAILED else "Canceled"
    return {
        "exc_type": kind,
        "exc_message": [f"{error['code']}: {error['detail']}"],
        "exc_module": "tasks.errors",
    }


def _ends_at(task: Task, progress: Progress, moment: int) -> int | None:
    """By how far the report is, once that tells; else by how soon its like were made."""
    left = progress.seconds_left
    if left is None and task.expected_duration is not None:
        left = task.expected_duration.total_seconds() - moment / 1000
    if left is None or task.state != State.RUNNING:
        return None
    return round((time.time() + left) * 1000)


def _milliseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else round(duration.total_seconds() * 1000)


def _seconds_to_live(task: Task) -> int:
    if not task.is_final:
        return PASSING_SECONDS
    if task.expires_at is None:
        return FINAL_SECONDS
    left = int((task.expires_at - timezone.now()).total_seconds())
    return max(1, min(FINAL_SECONDS, left))
