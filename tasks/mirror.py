"""Writes what the row says into the Redis result backend."""

import json
import uuid
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F
from django.utils import timezone

from school import connections
from tasks import documents, store
from tasks.breaker import RedisAway
from tasks.models import Task
from tasks.progress import Progress
from tasks.states import CELERY_FAILURES, CELERY_STATES, State

PASSING_SECONDS = 60
"""Life of a document that is not final: progress and the dispatcher write it again."""
FINAL_SECONDS = int(timedelta(days=1).total_seconds())
"""Life of a final one; afterwards the row answers."""


def write(task: Task) -> None:
    """Bring Redis up to the row as it was just read. Only ever called after the commit.

    If Redis is away the row remembers what it lacks, and the dispatcher repairs it.
    """
    connections.give_back()
    try:
        if task.state == State.EXPIRED:
            store.drop_document(task.pk)
        else:
            put(task, Progress.of(task))
    except RedisAway:
        return
    behind = Task.objects.filter(pk=task.pk, mirrored_version__lt=task.version)
    if not behind.update(mirrored_version=task.version):
        _drop_if_over(task.pk)


def repair(task_id: uuid.UUID) -> None:
    """Bring Redis up to the row, whatever that is by now."""
    task = Task.objects.filter(pk=task_id).first()
    if task is None:
        _drop(task_id)
    else:
        write(task)


def lagging(limit: int) -> list[uuid.UUID]:
    """The tasks whose document may be older than their row."""
    behind = Task.objects.exclude(mirrored_version=F("version")).order_by("id")
    return list(behind.values_list("pk", flat=True)[:limit])


def put(task: Task, progress: Progress, *, moment: int = 0) -> None:
    """Write the document as of that progress; `moment` orders it within the version."""
    document = documents.build(task, progress)
    body = json.dumps(
        {**document, **_exception(task)},
        cls=DjangoJSONEncoder,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    header = store.Header(
        version=task.version,
        moment=moment,
        viewer=task.requester_id,
        stamp=task.stamp,
        state=task.state,
        queue=task.queue,
    )
    store.put_document(
        task.pk,
        header,
        celery={
            "status": CELERY_STATES[State(task.state)],
            "traceback": None,
            "children": [],
            "date_done": document["finished_at"],
            "task_id": document["task_id"],
        },
        document=body.encode(),
        ttl_seconds=_seconds_to_live(task),
    )


def _drop_if_over(task_id: uuid.UUID) -> None:
    """Take back what was written after its document was dropped for good."""
    if not Task.objects.filter(pk=task_id).exclude(state=State.EXPIRED).exists():
        connections.give_back()
        _drop(task_id)


def _drop(task_id: uuid.UUID) -> None:
    with suppress(RedisAway):  # a document does not live long
        store.drop_document(task_id)


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


def _seconds_to_live(task: Task) -> int:
    if not task.is_final:
        return PASSING_SECONDS
    if task.expires_at is None:
        return FINAL_SECONDS
    left = int((task.expires_at - timezone.now()).total_seconds())
    return max(1, min(FINAL_SECONDS, left))
