"""Acceptance of a report request: the use case behind `POST /reports`."""

from dataclasses import dataclass

import structlog
from django.db import Error, transaction

from school.models import User
from tasks import access_log
from tasks.errors import RequestErased, TooManyActive
from tasks.models import AccessLogEntry, Task
from tasks.scheduling import outbox
from tasks.status import access_version, projection, reader
from tasks.submission import idempotency, quotas, storage
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
    if original := _find_replay(viewer, request):
        return Submission(original, is_replay=True)
    task = build_task(viewer, request)
    storage.check_free_disk()
    # Before the transaction: it may expire results, which also writes to Redis.
    storage.enforce_storage_limit(viewer.pk)
    with transaction.atomic():
        # The lock serialises a user's requests, so that the second of two equal ones sees the first.
        User.objects.select_for_update(no_key=True).get(pk=viewer.pk)
        if original := _find_replay(viewer, request):
            return Submission(original, is_replay=True)
        if not request.idempotency_key and (
            duplicate := idempotency.find_queued_duplicate(task)
        ):
            return Submission(duplicate)
        quota = quotas.enforce_quotas(viewer, task.queue)
        task.save(force_insert=True)
        if request.idempotency_key:
            idempotency.save_key(viewer, request, task)
        access_log.record_access(viewer, AccessLogEntry.Action.CREATED, task)
        task.refresh_from_db()
    _publish(task, viewer)
    return Submission(task, quota=quota)


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


def _publish(task: Task, viewer: User) -> None:
    """Write the document and publish the message; the dispatcher repeats what fails here."""
    try:
        projection.sync_document(task)
        access_version.cache(viewer)  # for the polls that follow
        outbox.try_publish(task)
    except Error:
        # The row is committed, so the request is accepted.
        log.exception("publish_deferred", task_id=str(task.pk))


def _find_replay(viewer: User, request: ReportRequest) -> Task | None:
    if not request.idempotency_key:
        return None
    task_id = idempotency.find_by_key(viewer, request)
    return None if task_id is None else reader.get_task_for(task_id, viewer)
