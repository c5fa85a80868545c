"""Acceptance of a report request: the use case behind `POST /reports`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog
from django.db import Error, transaction

from school.models import User
from school.prepared_sql import PreparedInsert
from tasks import access_log
from tasks.errors import (
    DiskNearlyFull,
    InvalidRequest,
    RequestErased,
    RoleNotAllowed,
    TooManyActive,
)
from tasks.models import AccessLogEntry, Task
from tasks.scheduling import outbox
from tasks.states import State
from tasks.status import access_version, projection, reader
from tasks.submission import idempotency, quotas, state, storage
from tasks.submission.validation import ReportRequest, build_task

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Submission:
    """The task of an accepted request."""

    task: Task
    is_replay: bool = False
    """True if the task was submitted before, under the same idempotency key."""
    quota: quotas.Quota | None = None
    """The requester's quota after a new task; None for one that existed."""


def submit_report(viewer: User, request: ReportRequest) -> Submission:
    """Accept the request, or raise an error of `tasks.errors`.

    The task's row is committed when this returns.
    """
    try:
        return _submit(viewer, request)
    except TooManyActive as error:
        error.retry_after = quotas.seconds_until_own_end(viewer)
        raise


def _submit(viewer: User, request: ReportRequest) -> Submission:
    try:
        task = build_task(viewer, request)
        storage.check_free_disk()
    except (InvalidRequest, RoleNotAllowed, DiskNearlyFull):
        # What was accepted under the same key counts, whatever has changed since.
        if original := _find_replay(viewer, request):
            return Submission(original, is_replay=True)
        raise
    while (submission := _insert(viewer, request, task)) is None:
        # Outside of the transaction: it may expire results, which also writes to Redis.
        storage.enforce_storage_limit(viewer.pk)
    return submission


def _insert(viewer: User, request: ReportRequest, task: Task) -> Submission | None:
    """Insert the task unless it exists; return None if the viewer must make room first."""
    with transaction.atomic():
        state.lock_requests_of(viewer)
        values = state.read_state(viewer, request, task)
        if repeated := _find_repeated(viewer, request, values):
            return repeated
        if storage.is_over_limit(viewer.pk, values):
            return None
        quota = quotas.enforce_quotas(viewer, task.queue, values)
        task.created_at = task.updated_at = values["now"]
        _prepare_insert().execute(task)
        if request.idempotency_key:
            idempotency.save_key(viewer, request, task)
        access_log.record_access(viewer, AccessLogEntry.Action.CREATED, task)
    _publish(task, viewer, has_room=values["has_room"])
    return Submission(task, quota=quota)


@cache
def _prepare_insert() -> PreparedInsert:
    return PreparedInsert(Task)


def _find_repeated(
    viewer: User, request: ReportRequest, values: Mapping[str, Any]
) -> Submission | None:
    """Return the submission of the task that the request repeats, if there is one."""
    repeated_id = idempotency.check_repeat(request, values)
    if repeated_id is None:
        return None
    if request.idempotency_key:
        return Submission(reader.get_task_for(repeated_id, viewer), is_replay=True)
    # It may have been canceled meanwhile.
    equal_task = Task.objects.filter(pk=repeated_id, state=State.QUEUED).first()
    return None if equal_task is None else Submission(equal_task)


def rerun_task(task: Task, viewer: User, idempotency_key: str = "") -> Submission:
    """Submit the request of the viewer's own task again, as `submit_report` does.

    Raises `RequestErased` if the task's parameters are not kept any more.
    """
    if task.is_erased:
        raise RequestErased
    request = ReportRequest(
        kind=task.kind,
        parameters=task.parameters,
        format=task.format,
        language=task.language,
        idempotency_key=idempotency_key,
        label=task.label,
        metadata=task.metadata,
    )
    return submit_report(viewer, request)


def _publish(task: Task, viewer: User, *, has_room: bool) -> None:
    """Write the document and publish the message; the dispatcher repeats what fails here."""
    try:
        is_written = projection.write_document(task)
        access_version.cache(viewer)  # for the polls that follow
        is_sent = has_room and outbox.try_send(task)
        if is_written:
            projection.confirm_document(task, is_published=is_sent)
        elif is_sent:
            outbox.mark_published(task)
    except Error:
        # The row is committed, so the request is accepted.
        log.exception("publish_deferred", task_id=str(task.pk))


def _find_replay(viewer: User, request: ReportRequest) -> Task | None:
    if not request.idempotency_key:
        return None
    task_id = idempotency.find_by_key(viewer, request)
    return None if task_id is None else reader.get_task_for(task_id, viewer)
