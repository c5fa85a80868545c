"""Lifecycle of a task: the only module that writes a task's state.

    queued ──▶ running ──▶ succeeded ──▶ expired
      │ ▲        │ │
      │ └────────┘ ├─────▶ failed       lease lost: back to queued, or failed
      └───────────────────▶ canceled

Each transition is one UPDATE guarded by the state, and by the fence where a worker makes it: of
two concurrent transitions one succeeds and the other updates no row. After the commit the
document in Redis is written; if that write is lost, the dispatcher repeats it from the row.
"""

import uuid
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy, override

from school.scope import Scope
from tasks import artifacts
from tasks.errors import TaskFinished
from tasks.failures import ReportFailed
from tasks.models import Task
from tasks.progress import Progress
from tasks.states import FINAL, ExpiryReason, State, states_before
from tasks.status import projection

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3
DETAIL_ERASED = gettext_lazy("The details were erased after the retention period.")
_ERASED_FIELDS: dict[str, Any] = {
    "parameters": {},
    "about": "",
    "label": "",
    "metadata": {},
    "fingerprint": "",
    "is_erased": True,
}

_REQUEUE_FIELDS = {
    "published_at": None,
    "lease_until": None,
    "stage": "queued",
    "progress_done": 0,
    "progress_total": None,
}
"""Fields of an attempt that are reset when the task returns to the queue."""


def claim(task_id: uuid.UUID) -> Task | None:
    """Claim the queued task for this worker; None if it is not queued any more.

    The caller writes the document, once it is ready to release the task again.
    """
    time_limit = (
        Task.objects.filter(pk=task_id).values_list("time_limit", flat=True).first()
    )
    if time_limit is None:
        return None
    with transaction.atomic():
        claimable = Task.objects.filter(pk=task_id, state=State.QUEUED)
        has_changed = _transition(
            claimable,
            State.RUNNING,
            attempt=F("attempt") + 1,
            fence=F("fence") + 1,
            lease_until=_lease_end(),
            deadline=Now() + time_limit,
            started_at=Coalesce(F("started_at"), Now()),
            stage="preparing",
            progress_done=0,
            progress_total=None,
        )
        # Read in the same transaction, so that the fence is this claim's.
        return Task.objects.get(pk=task_id) if has_changed else None


def renew(task: Task, progress: Progress) -> bool | None:
    """Renew the lease: True if a cancel was requested, None if the lease is lost."""
    running = _owned(task)
    row_count = running.update(
        lease_until=_lease_end(),
        stage=progress.stage,
        progress_done=progress.done,
        progress_total=progress.total,
    )
    if not row_count:
        return None
    return running.filter(cancel_requested_at__isnull=False).exists()


def succeed(task: Task, *, artifact: str, result: dict[str, Any], scope: Scope) -> bool:
    """Store the result; False if the task was canceled or the lease is lost."""
    has_changed = _transition(
        _owned(task).filter(cancel_requested_at=None),
        State.SUCCEEDED,
        artifact=artifact,
        artifact_bytes=result["bytes"],
        result=result,
        scope=scope.to_json(),
        finished_at=Now(),
        stage="finished",
        progress_done=result["rows"],
        progress_total=result["rows"],
    )
    # The file name belongs to this attempt alone: an earlier call may have succeeded and lost its
    # connection before the answer.
    is_done = has_changed or Task.objects.filter(pk=task.pk, artifact=artifact).exists()
    return _after_transition(task, is_done, keep_name=artifact)


def fail(task: Task, error: ReportFailed) -> bool:
    """End the attempt with the failure; False if the lease is lost."""
    return _after_transition(
        task, _transition(_owned(task), State.FAILED, **_failure_fields(task, error))
    )


def finish_cancel(task: Task) -> bool:
    """End the running task whose cancel was requested; False if none was."""
    to_cancel = _owned(task).filter(cancel_requested_at__isnull=False)
    return _after_transition(
        task, _transition(to_cancel, State.CANCELED, finished_at=Now())
    )


def cancel(task: Task) -> Task:
    """Cancel a queued task, or request the cancel of a running one.

    Raises `TaskFinished` for a final task that is not canceled.
    """
    queryset = Task.objects.filter(pk=task.pk)
    if not _transition(queryset.filter(state=State.QUEUED), State.CANCELED, finished_at=Now(),
                 cancel_requested_at=Now()):  # fmt: skip
        queryset.filter(state=State.RUNNING, cancel_requested_at=None).update(
            cancel_requested_at=Now(), **_next_version()
        )
    task.refresh_from_db()
    if not task.is_final and task.cancel_requested_at is None:
        return cancel(task)  # it returned to the queue between the two statements
    projection.sync_document(task)
    if task.is_final and task.state != State.CANCELED:
        raise TaskFinished(task)
    return task


def release(task: Task) -> bool:
    """Return the unfinished task to the queue; the attempt does not count."""
    releasable = _owned(task).filter(cancel_requested_at=None, deadline__gt=Now())
    has_changed = _transition(
        releasable, State.QUEUED, attempt=F("attempt") - 1, **_REQUEUE_FIELDS
    )
    return _after_transition(task, has_changed) or finish_cancel(task)


def reclaim(task: Task, error: ReportFailed | None) -> bool:
    """End the attempt of a silent worker: fail with the error, or requeue without one.

    The fence and the lease guard it: a worker that claimed the task meanwhile, or renewed its
    lease in time, keeps it.
    """
    silent = _owned(task).filter(lease_until__lt=Now())
    if task.cancel_requested_at is not None:
        return _after_transition(
            task, _transition(silent, State.CANCELED, finished_at=Now())
        )
    # The next call handles a cancel that was requested after the read.
    silent = silent.filter(cancel_requested_at=None)
    if error is not None:
        return _after_transition(
            task, _transition(silent, State.FAILED, **_failure_fields(task, error))
        )
    return _after_transition(task, _transition(silent, State.QUEUED, **_REQUEUE_FIELDS))


def erase(task: Task, reason: ExpiryReason = ExpiryReason.RETENTION) -> bool:
    """Erase the parameters and the result, once; the caller deletes the artifact.

    A succeeded task becomes `expired` for the reason; a failed or canceled one keeps its state.
    """
    queryset = Task.objects.filter(pk=task.pk, is_erased=False)
    if task.state == State.SUCCEEDED:
        has_changed = _transition(
            queryset,
            State.EXPIRED,
            result=None,
            artifact="",
            artifact_bytes=0,
            expiry_reason=reason,
            **_ERASED_FIELDS,
        )
    else:
        with override(task.language):
            error = task.error and {**task.error, "detail": str(DETAIL_ERASED)}
        unsuccessful = queryset.filter(state__in=FINAL - {State.SUCCEEDED})
        has_changed = bool(
            unsuccessful.update(error=error, **_next_version(), **_ERASED_FIELDS)
        )
    return _after_transition(task, has_changed)


def _transition(tasks: QuerySet[Task], to: State, **fields: Any) -> bool:
    """Update the task if its state allows the transition; False if it does not."""
    if to in FINAL and to != State.EXPIRED:
        fields["expires_at"] = Now() + F("retention")
    eligible = tasks.filter(state__in=states_before(to))
    return bool(eligible.update(state=to, **_next_version(), **fields))


def _next_version() -> dict[str, Any]:
    """Return the fields that every change of a row's document sets."""
    return {"version": F("version") + 1, "updated_at": Now()}


def _owned(task: Task) -> QuerySet[Task]:
    """Return a queryset of the task that is empty once the attempt has lost it."""
    return Task.objects.filter(pk=task.pk, state=State.RUNNING, fence=task.fence)


def _after_transition(task: Task, has_changed: bool, *, keep_name: str = "") -> bool:
    """Write the document and delete the attempts' files, except the one to keep."""
    if has_changed:
        projection.resync_document(task.pk)
        try:
            artifacts.delete_other_attempts(task.pk, keep_name, max_fence=task.fence)
        except OSError:  # the sweep repeats it
            log.exception("file_delete_failed", task_id=str(task.pk))
    return has_changed


def _lease_end() -> Any:
    """Return the end of a new lease, by the database's clock: the hosts' clocks may differ."""
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def _failure_fields(task: Task, error: ReportFailed) -> dict[str, Any]:
    return {"error": error.to_json(task.language), "finished_at": Now()}
