"""Repeated requests: found by their idempotency key, or equal to a queued one."""

import uuid
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from school.models import User
from tasks.errors import IdempotencyKeyConflict
from tasks.models import IdempotencyKey, Task
from tasks.states import State
from tasks.submission.validation import ReportRequest

KEY_TTL = timedelta(hours=24)


def find_by_key(viewer: User, request: ReportRequest) -> uuid.UUID | None:
    """Return the id of the task submitted under this key, if there is one.

    Raises `IdempotencyKeyConflict` if the key belongs to another request.
    """
    key_row = (
        _matching_keys(viewer, request).filter(created_at__gt=Now() - KEY_TTL).first()
    )
    if key_row is None:
        return None
    if key_row.fingerprint != request.fingerprint(request.parameters):
        raise IdempotencyKeyConflict
    return key_row.task_id


def save_key(viewer: User, request: ReportRequest, task: Task) -> None:
    """Save the key of the task's request, in the transaction that inserts the task."""
    _matching_keys(viewer, request).delete()  # an expired one
    IdempotencyKey.objects.create(
        requester=viewer,
        key=request.idempotency_key,
        fingerprint=request.fingerprint(request.parameters),
        task_id=task.pk,
    )


def find_queued_duplicate(task: Task) -> Task | None:
    """Return an equal task of the same requester that is still queued."""
    return Task.objects.filter(
        requester=task.requester_id,
        fingerprint=task.fingerprint,
        scope=task.scope,
        state=State.QUEUED,
    ).first()


def expired_keys() -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(created_at__lte=Now() - KEY_TTL)


def _matching_keys(viewer: User, request: ReportRequest) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(requester=viewer, key=request.idempotency_key)
