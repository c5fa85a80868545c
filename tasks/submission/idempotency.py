"""Repeated requests: found by their idempotency key, or equal to a queued one."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet, Subquery
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
    key_row = _valid_keys(viewer, request).first()
    if key_row is None:
        return None
    _check_fingerprint(request, key_row.fingerprint)
    return key_row.task_id


def save_key(viewer: User, request: ReportRequest, task: Task) -> None:
    """Save the key of the task's request, in the transaction that inserts the task."""
    key_row = IdempotencyKey(
        requester=viewer,
        key=request.idempotency_key,
        fingerprint=request.fingerprint(request.parameters),
        task_id=task.pk,
    )
    # It replaces an expired one.
    IdempotencyKey.objects.bulk_create(
        [key_row],
        update_conflicts=True,
        unique_fields=["requester", "key"],
        update_fields=["fingerprint", "task_id", "created_at"],
    )


def repeat_subqueries(
    viewer: User, request: ReportRequest, task: Task
) -> dict[str, Any]:
    """Return the subqueries of the task that this request repeats, for `check_repeat`."""
    if request.idempotency_key:
        keys = _valid_keys(viewer, request)
        return {
            "repeated_id": Subquery(keys.values("task_id")),
            "repeated_fingerprint": Subquery(keys.values("fingerprint")),
        }
    equal_tasks = Task.objects.filter(
        requester=task.requester_id,
        fingerprint=task.fingerprint,
        scope=task.scope,
        state=State.QUEUED,
    )
    return {"repeated_id": Subquery(equal_tasks.order_by().values("pk")[:1])}


def check_repeat(request: ReportRequest, values: Mapping[str, Any]) -> uuid.UUID | None:
    """Return the id of the task that the request repeats, from the subqueries' values.

    It has the same idempotency key, or without a key it is equal and still queued. Raises
    `IdempotencyKeyConflict` if the key belongs to another request.
    """
    repeated_id: uuid.UUID | None = values["repeated_id"]
    if repeated_id is not None and request.idempotency_key:
        _check_fingerprint(request, values["repeated_fingerprint"])
    return repeated_id


def expired_keys() -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(created_at__lte=Now() - KEY_TTL)


def _valid_keys(viewer: User, request: ReportRequest) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(
        requester=viewer,
        key=request.idempotency_key,
        created_at__gt=Now() - KEY_TTL,
    )


def _check_fingerprint(request: ReportRequest, fingerprint: str) -> None:
    if fingerprint != request.fingerprint(request.parameters):
        raise IdempotencyKeyConflict
