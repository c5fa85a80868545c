"""The same request twice: by its key, or equal to one that still waits."""

import uuid
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from school.models import User
from tasks.errors import KeyReused
from tasks.models import IdempotencyKey, Task
from tasks.states import State
from tasks.submission.validation import ReportRequest

KEPT_FOR = timedelta(hours=24)


def task_of_key(viewer: User, wanted: ReportRequest) -> uuid.UUID | None:
    """The task that was asked for under this key; `KeyReused` if it was another request."""
    held = _held(viewer, wanted).filter(created_at__gt=Now() - KEPT_FOR).first()
    if held is None:
        return None
    if held.fingerprint != wanted.fingerprint(wanted.parameters):
        raise KeyReused
    return held.task_id


def keep_key(viewer: User, wanted: ReportRequest, task: Task) -> None:
    """Remember under which key the task was asked for, in the transaction it is made in."""
    _held(viewer, wanted).delete()  # one whose time is over
    IdempotencyKey.objects.create(
        requester=viewer,
        key=wanted.key,
        fingerprint=wanted.fingerprint(wanted.parameters),
        task_id=task.pk,
    )


def waiting_equal(task: Task) -> Task | None:
    """A task of the same requester that would make the same, and that nobody makes yet."""
    return Task.objects.filter(
        requester=task.requester_id,
        fingerprint=task.fingerprint,
        scope=task.scope,
        state=State.QUEUED,
    ).first()


def old_keys() -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(created_at__lte=Now() - KEPT_FOR)


def _held(viewer: User, wanted: ReportRequest) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(requester=viewer, key=wanted.key)
