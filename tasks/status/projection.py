"""Projection of task rows into the Redis result backend."""

import json
import time
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

from django.db.models import F, IntegerField, Q, UUIDField
from django.db.models.functions import Now
from django.utils import timezone

from school.db import connections
from school.prepared_sql import Parameter, PreparedUpdate
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.models import Task, Tombstone
from tasks.progress import Progress
from tasks.states import CELERY_FAILURES, CELERY_STATES, FINAL, State
from tasks.status import document as task_document

ACTIVE_TTL = 10 * 60
"""Seconds until an active document expires; longer than a likely database outage."""
FINAL_TTL = int(timedelta(days=1).total_seconds())
"""Seconds until a final document expires; afterwards the row is read."""


def sync_document(task: Task) -> bool:
    """Write the row, as just read, to Redis. Call it only after the commit.

    Returns False if Redis is unavailable: `projected_version` then stays behind `version`,
    and the dispatcher resyncs the document.
    """
    return write_document(task) and confirm_document(task)


def write_document(task: Task) -> bool:
    """Write the document; the caller then calls `confirm_document`. False without Redis."""
    connections.return_to_pool()
    try:
        if task.state == State.EXPIRED:
            redis_store.drop_document(task.pk, task.requester_id)
        else:
            put_document(task, _latest_progress(task))
    except RedisUnavailable:
        return False
    return True


def confirm_document(task: Task, *, is_published: bool = False) -> bool:
    """Store that the document of the unchanged row was written, and the message sent.

    Returns False if the row has changed and Redis is unavailable.
    """
    same_row = {"id": task.pk, "version": task.version}
    if task.projected_version != task.version or is_published:
        is_unchanged = _prepare_confirmation(is_published).execute(**same_row) > 0
    else:
        is_unchanged = Task.objects.filter(**same_row).exists()
    if not is_unchanged:
        # The row has changed meanwhile. If its newer document was dropped before this
        # write, an old document is in Redis now.
        return _is_just_claimed(task.pk) or resync_document(task.pk)
    return True


@cache
def _prepare_confirmation(is_published: bool) -> PreparedUpdate:
    version = Parameter("version", IntegerField())
    same_row = Task.objects.filter(pk=Parameter("id", UUIDField()), version=version)
    fields: dict[str, Any] = {"projected_version": version}
    if is_published:
        fields["published_at"] = Now()
    return PreparedUpdate(same_row, fields)


def _is_just_claimed(task_id: uuid.UUID) -> bool:
    """Return whether the task runs and its document is known to be out of date.

    Its worker will write the next one, or else the dispatcher.
    """
    running = Task.objects.filter(pk=task_id, state=State.RUNNING)
    return running.exclude(projected_version=F("version")).exists()


def resync_document(task_id: uuid.UUID) -> bool:
    """Read the row and write it to Redis; return False if Redis is unavailable."""
    task = Task.objects.filter(pk=task_id).first()
    if task is not None:
        return sync_document(task)
    requester_id = _requester_of_purged(task_id)
    connections.return_to_pool()
    try:
        redis_store.drop_document(task_id, requester_id)
    except RedisUnavailable:
        return False
    return True


def _requester_of_purged(task_id: uuid.UUID) -> int:
    """Return the requester of a tombstone; 0, which is no user, once that is gone too."""
    tombstones = Tombstone.objects.filter(pk=task_id)
    return tombstones.values_list("requester_id", flat=True).first() or 0


def mirrored_ids() -> list[uuid.UUID]:
    """Return the tasks that have or should have a document in Redis, newest first."""
    cutoff = Now() - timedelta(seconds=FINAL_TTL)
    finished_lately = Q(finished_at__gt=cutoff)
    # A task whose file was lost expires before `expires_at`.
    expired_lately = Q(state=State.EXPIRED, expires_at__gt=cutoff)
    tasks = Task.objects.filter(~Q(state__in=FINAL) | finished_lately | expired_lately)
    tombstones = Tombstone.objects.filter(purged_at__gt=cutoff)
    return [
        *tombstones.values_list("pk", flat=True),
        *tasks.order_by("-id").values_list("pk", flat=True),
    ]


def out_of_date_ids(limit: int) -> list[uuid.UUID]:
    """Return tasks whose document may be older than their row or tombstone."""
    stale_tasks = Task.objects.exclude(projected_version=F("version")).order_by("id")
    tombstones = Tombstone.objects.filter(is_cleared=False).order_by("purged_at")
    return [
        *stale_tasks.values_list("pk", flat=True)[:limit],
        *tombstones.values_list("pk", flat=True)[:limit],
    ]


def update_progress(task: Task, progress: Progress, *, sequence: int) -> bool:
    """Update the progress in an existing document; return False if there is none.

    A missing document is not created, because a worker that was suspended does not know
    the current state of the task. `sequence` orders the documents of one version.
    """
    return put_document(task, progress, sequence=sequence, create=False)


def put_document(
    task: Task, progress: Progress, *, sequence: int = 0, create: bool = True
) -> bool:
    fields = task_document.build_document(task, progress)
    body = task_document.serialize_document({**fields, **_celery_exception(task)})
    celery_fields = {
        "status": CELERY_STATES[State(task.state)],
        "traceback": None,
        "children": [],
        "date_done": fields["finished_at"],
        "task_id": fields["task_id"],
    }
    envelope = redis_store.Envelope(
        build_meta(task, progress, sequence), celery_fields, body, _ttl_seconds(task)
    )
    return redis_store.put_document(task.pk, envelope, create=create)


def build_meta(
    task: Task, progress: Progress, sequence: int = 0
) -> redis_store.DocumentMeta:
    """Build the metadata that a poll needs beside the document itself."""
    return redis_store.DocumentMeta(
        version=task.version,
        sequence=sequence,
        viewer_id=task.requester_id,
        access_version=task.access_version,
        state=task.state,
        queue=task.queue,
        expected_duration_ms=_milliseconds(task.expected_duration),
        eta_ms=_eta_ms(task, progress),
    )


def _latest_progress(task: Task) -> Progress:
    """Return the progress in Redis if it is of the previous version, else the row's.

    Progress is written to the row less often than to Redis. Otherwise a transition by
    another process, such as a cancel request, would make the visible progress go back.
    """
    if task.state == State.RUNNING:
        cached_task = redis_store.get_cached_task(task.pk, task.requester_id)
        meta = cached_task.meta
        if meta and (meta.state, meta.version) == (task.state, task.version - 1):
            progress = json.loads(cached_task.document)["progress"]
            seconds_left = meta.eta_ms and meta.eta_ms / 1000 - time.time()
            return Progress(
                progress["stage"], progress["done"], progress["total"], seconds_left
            )
    return Progress.from_task(task)


def _celery_exception(task: Task) -> dict[str, Any]:
    """Return the keys without which Celery cannot read a failed or revoked result."""
    if task.state not in CELERY_FAILURES:
        return {}
    error = task.error or {"code": "canceled", "detail": "The task was canceled."}
    exc_type = "ReportFailed" if task.state == State.FAILED else "Canceled"
    return {
        "exc_type": exc_type,
        "exc_message": [f"{error['code']}: {error['detail']}"],
        "exc_module": "tasks.failures",
    }


def _eta_ms(task: Task, progress: Progress) -> int | None:
    """Estimate the end from the progress, or else from the expected duration.

    Milliseconds since 1970; None unless the task is running and an estimate exists.
    """
    if task.state != State.RUNNING:
        return None
    if progress.seconds_left is not None:
        return round((time.time() + progress.seconds_left) * 1000)
    if task.expected_duration is None or task.deadline is None:
        return None
    attempt_started_at = task.deadline - task.time_limit
    expected_end = attempt_started_at + task.expected_duration
    return round(expected_end.timestamp() * 1000)


def _milliseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else round(duration.total_seconds() * 1000)


def _ttl_seconds(task: Task) -> int:
    if not task.is_final:
        return ACTIVE_TTL
    if task.expires_at is None:
        return FINAL_TTL
    remaining = int((task.expires_at - timezone.now()).total_seconds())
    return max(1, min(FINAL_TTL, remaining))
