"""A task from asking to its end: the only module that writes a task's state.

    queued ──▶ running ──▶ succeeded ──▶ expired
      │ ▲        │ │
      │ └────────┘ ├─────▶ failed       lease lost: back to queued, or failed
      └───────────────────▶ canceled

Every move is one UPDATE guarded by the state, and where a worker makes it by the fence,
so of two that try it one wins and the other is told. After the commit the document in
Redis follows; whatever is lost there, the dispatcher finds by the row.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy, override

from school.access import Scope
from school.models import User
from tasks import access_log, artifacts
from tasks.errors import ReportFailed, TaskFinished
from tasks.models import AccessLogEntry, Task
from tasks.progress import Progress
from tasks.scheduling import outbox
from tasks.states import FINAL, State, states_before
from tasks.status import access_version, projection, reader
from tasks.submission import idempotency, quotas
from tasks.submission.validation import ReportRequest, build_task

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3
DETAIL_ERASED = gettext_lazy("Its details were erased when their time was over.")
_ERASED_FIELDS: dict[str, Any] = {
    "parameters": {},
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
"""What a task loses of an attempt when it goes back to wait for another."""


@dataclass(frozen=True)
class Submission:
    task: Task
    is_replay: bool = False
    """Whether the key of the request had been given before."""


def submit_report(viewer: User, request: ReportRequest) -> Submission:
    """Accept a report, or raise why not. When this returns the row is committed."""
    if original := _find_replay(viewer, request):
        return Submission(original, is_replay=True)
    task = build_task(viewer, request)
    with transaction.atomic():
        # One request of a user at a time, so that of two equal ones one sees the other.
        User.objects.select_for_update(no_key=True).get(pk=viewer.pk)
        if original := _find_replay(viewer, request):
            return Submission(original, is_replay=True)
        if not request.idempotency_key and (
            duplicate := idempotency.find_queued_duplicate(task)
        ):
            return Submission(duplicate)
        quotas.enforce_quotas(viewer, task.queue)
        task.save(force_insert=True)
        if request.idempotency_key:
            idempotency.save_key(viewer, request, task)
        access_log.record_access(viewer, AccessLogEntry.Action.CREATED, task)
        task.refresh_from_db()
    try:
        projection.sync_document(task)
        access_version.cache(viewer)  # for the polls that follow
        outbox.try_publish(task)
    except Error:
        # It is committed, so it is accepted; the dispatcher does what was left.
        log.exception("publish_deferred", task_id=str(task.pk))
    return Submission(task)


def _find_replay(viewer: User, request: ReportRequest) -> Task | None:
    if not request.idempotency_key:
        return None
    task_id = idempotency.find_by_key(viewer, request)
    return None if task_id is None else reader.get_task_for(task_id, viewer)


def claim(task_id: uuid.UUID) -> Task | None:
    """Take the task for this worker, or None: somebody else has it, or it is over.

    The caller lets Redis follow, once it is ready to hand the task over again.
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
        # Read in the same transaction: this fence is ours.
        return Task.objects.get(pk=task_id) if has_changed else None


def renew(task: Task, progress: Progress) -> bool | None:
    """Renew the lease; True if the task is to be canceled, None if it is ours no more."""
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
    """Settle the task with its result; False if it was canceled or is not ours."""
    has_changed = _transition(
        _owned(task).filter(cancel_requested_at=None),
        State.SUCCEEDED,
        artifact=artifact,
        result=result,
        scope=scope.to_json(),
        finished_at=Now(),
        stage="finished",
        progress_done=result["rows"],
        progress_total=result["rows"],
    )
    # The name is this attempt's alone: then an earlier call did it, and lost the answer.
    is_done = has_changed or Task.objects.filter(pk=task.pk, artifact=artifact).exists()
    return _after_transition(task, is_done, keep_name=artifact)


def fail(task: Task, error: ReportFailed) -> bool:
    return _after_transition(
        task, _transition(_owned(task), State.FAILED, **_failure_fields(task, error))
    )


def finish_cancel(task: Task) -> bool:
    to_cancel = _owned(task).filter(cancel_requested_at__isnull=False)
    return _after_transition(
        task, _transition(to_cancel, State.CANCELED, finished_at=Now())
    )


def cancel(task: Task) -> Task:
    """Cancel a queued task, ask a running one to end; `TooLate` when it has ended."""
    queryset = Task.objects.filter(pk=task.pk)
    if not _transition(queryset.filter(state=State.QUEUED), State.CANCELED, finished_at=Now(),
                 cancel_requested_at=Now()):  # fmt: skip
        queryset.filter(state=State.RUNNING, cancel_requested_at=None).update(
            cancel_requested_at=Now(), version=F("version") + 1
        )
    task.refresh_from_db()
    if not task.is_final and task.cancel_requested_at is None:
        return cancel(task)  # it went back to the queue just between the two statements
    projection.sync_document(task)
    if task.is_final and task.state != State.CANCELED:
        raise TaskFinished(task)
    return task


def release(task: Task) -> bool:
    """Give the task back unfinished, for another worker: that was no attempt."""
    releasable = _owned(task).filter(cancel_requested_at=None, deadline__gt=Now())
    has_changed = _transition(
        releasable, State.QUEUED, attempt=F("attempt") - 1, **_REQUEUE_FIELDS
    )
    return _after_transition(task, has_changed) or finish_cancel(task)


def reclaim(task: Task, error: ReportFailed | None) -> bool:
    """End a silent worker's attempt: by its error, or else to be tried again.

    The guard is the fence: a worker that claimed it meanwhile keeps it, and so does one
    that beat just in time.
    """
    silent = _owned(task).filter(lease_until__lt=Now())
    if task.cancel_requested_at is not None:
        return _after_transition(
            task, _transition(silent, State.CANCELED, finished_at=Now())
        )
    # A cancel that came since it was read is seen at the next call.
    silent = silent.filter(cancel_requested_at=None)
    if error is not None:
        return _after_transition(
            task, _transition(silent, State.FAILED, **_failure_fields(task, error))
        )
    return _after_transition(task, _transition(silent, State.QUEUED, **_REQUEUE_FIELDS))


def expire(task: Task) -> bool:
    """Erase what was asked and made, once; the caller removes the artifact.

    What succeeded is `expired` then; any other end stays what it was.
    """
    queryset = Task.objects.filter(pk=task.pk, is_erased=False)
    if task.state == State.SUCCEEDED:
        has_changed = _transition(
            queryset, State.EXPIRED, result=None, artifact="", **_ERASED_FIELDS
        )
    else:
        with override(task.language):
            error = task.error and {**task.error, "detail": str(DETAIL_ERASED)}
        unsuccessful = queryset.filter(state__in=FINAL - {State.SUCCEEDED})
        has_changed = bool(
            unsuccessful.update(version=F("version") + 1, error=error, **_ERASED_FIELDS)
        )
    return _after_transition(task, has_changed)


def _transition(tasks: QuerySet[Task], to: State, **fields: Any) -> bool:
    """Move the one task meant, if it is still where it may move from."""
    if to in FINAL and to != State.EXPIRED:
        fields["expires_at"] = Now() + F("retention")
    eligible = tasks.filter(state__in=states_before(to))
    return bool(eligible.update(state=to, version=F("version") + 1, **fields))


def _owned(task: Task) -> QuerySet[Task]:
    """The task as long as the attempt that read it holds it."""
    return Task.objects.filter(pk=task.pk, state=State.RUNNING, fence=task.fence)


def _after_transition(task: Task, has_changed: bool, *, keep_name: str = "") -> bool:
    """Have Redis and the files follow a move; of the attempt's files that one stays."""
    if has_changed:
        projection.resync_document(task.pk)
        try:
            artifacts.delete_other_attempts(task.pk, keep_name, max_fence=task.fence)
        except OSError:  # the sweep does it
            log.exception("file_delete_failed", task_id=str(task.pk))
    return has_changed


def _lease_end() -> Any:
    """By the database's clock, for the hosts' may differ."""
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def _failure_fields(task: Task, error: ReportFailed) -> dict[str, Any]:
    return {"error": error.to_json(task.language), "finished_at": Now()}
