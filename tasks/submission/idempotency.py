"""Repeated requests: found by their idempotency key, or equal to a queued one."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from django.db.models import QuerySet, Subquery
from django.db.models.functions import Now

from school.models import User
from school.prepared_sql import Parameter, PreparedInsert
from tasks.errors import IdempotencyKeyConflict
from tasks.models import IdempotencyKey, Task
from tasks.states import State
from tasks.submission.validation import ReportRequest

KEY_TTL = timedelta(hours=24)


def find_by_key(viewer: User, request: ReportRequest) -> uuid.UUID | None:
    """Return the id of the task submitted under this key, if there is one.

    Raises `IdempotencyKeyConflict` if the key belongs to another request.
    """
    key_row = _valid_keys(viewer.pk, request.idempotency_key).first()
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
    _prepare_insert().execute(key_row)


@cache
def _prepare_insert() -> PreparedInsert:
    """Prepare the INSERT that replaces an expired key."""
    return PreparedInsert(
        IdempotencyKey,
        unique_fields=["requester", "key"],
        replaced_fields=["fingerprint", "task_id", "created_at"],
    )


def key_subqueries(viewer_id: Parameter, key: Parameter) -> dict[str, Any]:
    """Return the subqueries of the task submitted under the key, for `check_repeat`."""
    keys = _valid_keys(viewer_id, key)
    return {
        "repeated_id": Subquery(keys.values("task_id")),
        "repeated_fingerprint": Subquery(keys.values("fingerprint")),
    }


def equal_subqueries(
    viewer_id: Parameter, fingerprint: Parameter, scope: Parameter
) -> dict[str, Any]:
    """Return the subquery of an equal task that is still queued, for `check_repeat`."""
    equal_tasks = Task.objects.filter(
        requester=viewer_id, fingerprint=fingerprint, scope=scope, state=State.QUEUED
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


def _valid_keys(
    viewer_id: int | Parameter, key: str | Parameter
) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(
        requester=viewer_id, key=key, created_at__gt=Now() - KEY_TTL
    )


def _check_fingerprint(request: ReportRequest, fingerprint: str) -> None:
    if fingerprint != request.fingerprint(request.parameters):
        raise IdempotencyKeyConflict
