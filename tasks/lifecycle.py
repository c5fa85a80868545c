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
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.db.models import DurationField, F, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy, override

from school.prepared_sql import Parameter, PreparedRowUpdate
from school.scope import Scope
from tasks import artifacts
from tasks.errors import TaskFinished
from tasks.failures import ReportFailed
from tasks.models import Task
from tasks.progress import Progress
from tasks.states import FINAL, ExpiryReason, State
from tasks.status import projection
from tasks.transitions import given, next_version, prepare, transition

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

    One statement, so that the row that is returned has this claim's fence. The worker writes
    the document once the attempt has lasted for a while.
    """
    return _prepare_claim().update(id=task_id, lease=_lease())


@cache
def _prepare_claim() -> PreparedRowUpdate[Task]:
    return prepare(
        Task.objects.filter(pk=given("id")),
        State.RUNNING,
        attempt=F("attempt") + 1,
        fence=F("fence") + 1,
        lease_until=Now() + Parameter("lease", DurationField()),
        deadline=Now() + F("time_limit"),
        started_at=Coalesce(F("started_at"), Now()),
        stage="preparing",
        progress_done=0,
        progress_total=None,
    )


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
    succeeded = _prepare_success().update(
        id=task.pk,
        fence=task.fence,
        artifact=artifact,
        artifact_bytes=result["bytes"],
        result=result,
        scope=scope.to_json(),
        progress_done=result["rows"],
        progress_total=result["rows"],
    )
    if succeeded is not None:
        projection.sync_document(succeeded)
        _delete_other_attempts(task, keep_name=artifact)
        return True
    # The file name belongs to this attempt alone: an earlier call may have succeeded and lost its
    # connection before the answer.
    is_done = Task.objects.filter(pk=task.pk, artifact=artifact).exists()
    return _after_transition(task, is_done, keep_name=artifact)


@cache
def _prepare_success() -> PreparedRowUpdate[Task]:
    owned = Task.objects.filter(pk=given("id"), fence=given("fence"))
    names = ("artifact", "artifact_bytes", "result", "scope", "progress_done", "progress_total")  # fmt: skip
    return prepare(
        owned.filter(cancel_requested_at=None),
        State.SUCCEEDED,
        finished_at=Now(),
        stage="finished",
        **{name: given(name) for name in names},
    )


def fail(task: Task, error: ReportFailed) -> bool:
    """End the attempt with the failure; False if the lease is lost."""
    return _after_transition(
        task, transition(_owned(task), State.FAILED, **_failure_fields(task, error))
    )


def finish_cancel(task: Task) -> bool:
    """End the running task whose cancel was requested; False if none was."""
    to_cancel = _owned(task).filter(cancel_requested_at__isnull=False)
    return _after_transition(
        task, transition(to_cancel, State.CANCELED, finished_at=Now())
    )


def cancel(task: Task) -> Task:
    """Cancel a queued task, or request the cancel of a running one.

    Raises `TaskFinished` for a final task that is not canceled.
    """
    queryset = Task.objects.filter(pk=task.pk)
    if not transition(queryset.filter(state=State.QUEUED), State.CANCELED, finished_at=Now(),
                 cancel_requested_at=Now()):  # fmt: skip
        queryset.filter(state=State.RUNNING, cancel_requested_at=None).update(
            cancel_requested_at=Now(), **next_version()
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
    has_changed = transition(
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
            task, transition(silent, State.CANCELED, finished_at=Now())
        )
    # The next call handles a cancel that was requested after the read.
    silent = silent.filter(cancel_requested_at=None)
    if error is not None:
        return _after_transition(
            task, transition(silent, State.FAILED, **_failure_fields(task, error))
        )
    return _after_transition(task, transition(silent, State.QUEUED, **_REQUEUE_FIELDS))


def erase(task: Task, reason: ExpiryReason = ExpiryReason.RETENTION) -> bool:
    """Erase the parameters and the result, once; the caller deletes the artifact.

    A succeeded task becomes `expired` for the reason; a failed or canceled one keeps its state.
    """
    queryset = Task.objects.filter(pk=task.pk, is_erased=False)
    if task.state == State.SUCCEEDED:
        has_changed = transition(
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
            unsuccessful.update(error=error, **next_version(), **_ERASED_FIELDS)
        )
    return _after_transition(task, has_changed)


def _owned(task: Task) -> QuerySet[Task]:
    """Return a queryset of the task that is empty once the attempt has lost it."""
    return Task.objects.filter(pk=task.pk, state=State.RUNNING, fence=task.fence)


def _after_transition(task: Task, has_changed: bool, *, keep_name: str = "") -> bool:
    """Write the document and delete the attempts' files, except the one to keep."""
    if has_changed:
        projection.resync_document(task.pk)
        _delete_other_attempts(task, keep_name=keep_name)
    return has_changed


def _delete_other_attempts(task: Task, *, keep_name: str) -> None:
    try:
        artifacts.delete_other_attempts(task.pk, keep_name, max_fence=task.fence)
    except OSError:  # the sweep repeats it
        log.exception("file_delete_failed", task_id=str(task.pk))


def _lease_end() -> Any:
    """Return the end of a new lease, by the database's clock: the hosts' clocks may differ."""
    return Now() + _lease()


def _lease() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


def _failure_fields(task: Task, error: ReportFailed) -> dict[str, Any]:
    return {"error": error.to_json(task.language), "finished_at": Now()}
