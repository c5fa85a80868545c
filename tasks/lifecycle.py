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
from tasks.errors import ReportFailed, TooLate
from tasks.models import AccessEntry, Task
from tasks.progress import Progress
from tasks.scheduling import outbox
from tasks.states import FINAL, State, sources
from tasks.status import access_version, projection, reader
from tasks.submission import idempotency, quotas
from tasks.submission.validation import ReportRequest, check

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3
DETAIL_ERASED = gettext_lazy("Its details were erased when their time was over.")
_ERASED: dict[str, Any] = {"parameters": {}, "fingerprint": "", "erased": True}

_AGAIN = {
    "published_at": None,
    "lease_until": None,
    "stage": "queued",
    "done": 0,
    "total": None,
}
"""What a task loses of an attempt when it goes back to wait for another."""


@dataclass(frozen=True)
class Accepted:
    task: Task
    is_replay: bool = False
    """Whether the key of the request had been given before."""


def request(viewer: User, wanted: ReportRequest) -> Accepted:
    """Accept a report, or raise why not. When this returns the row is committed."""
    if earlier := _asked_before(viewer, wanted):
        return Accepted(earlier, is_replay=True)
    task = check(viewer, wanted)
    with transaction.atomic():
        # One request of a user at a time, so that of two equal ones one sees the other.
        User.objects.select_for_update(no_key=True).get(pk=viewer.pk)
        if earlier := _asked_before(viewer, wanted):
            return Accepted(earlier, is_replay=True)
        if not wanted.key and (waiting := idempotency.waiting_equal(task)):
            return Accepted(waiting)
        quotas.check(viewer, task.queue)
        task.save(force_insert=True)
        if wanted.key:
            idempotency.keep_key(viewer, wanted, task)
        access_log.record(viewer, AccessEntry.Action.CREATED, task)
        task.refresh_from_db()
    try:
        projection.write(task)
        access_version.remember(viewer)  # for the polls that follow
        outbox.publish_if_room(task)
    except Error:
        # It is committed, so it is accepted; the dispatcher does what was left.
        log.exception("send_off_postponed", task_id=str(task.pk))
    return Accepted(task)


def _asked_before(viewer: User, wanted: ReportRequest) -> Task | None:
    if not wanted.key:
        return None
    task_id = idempotency.task_of_key(viewer, wanted)
    return None if task_id is None else reader.own_task(task_id, viewer)


def claim(task_id: uuid.UUID) -> Task | None:
    """Take the task for this worker, or None: somebody else has it, or it is over.

    The caller lets Redis follow, once it is ready to hand the task over again.
    """
    limit = Task.objects.filter(pk=task_id).values_list("time_limit", flat=True).first()
    if limit is None:
        return None
    with transaction.atomic():
        claimable = Task.objects.filter(pk=task_id, state=State.QUEUED)
        won = _move(
            claimable,
            State.RUNNING,
            attempt=F("attempt") + 1,
            fence=F("fence") + 1,
            lease_until=_lease(),
            deadline=Now() + limit,
            started_at=Coalesce(F("started_at"), Now()),
            stage="preparing",
            done=0,
            total=None,
        )
        # Read in the same transaction: this fence is ours.
        return Task.objects.get(pk=task_id) if won else None


def renew(task: Task, progress: Progress) -> bool | None:
    """Renew the lease; True if the task is to be canceled, None if it is ours no more."""
    held = _held(task)
    renewed = held.update(
        lease_until=_lease(),
        stage=progress.stage,
        done=progress.done,
        total=progress.total,
    )
    if not renewed:
        return None
    return held.filter(cancel_requested_at__isnull=False).exists()


def succeed(task: Task, *, artifact: str, result: dict[str, Any], scope: Scope) -> bool:
    """Settle the task with its result; False if it was canceled or is not ours."""
    won = _move(
        _held(task).filter(cancel_requested_at=None),
        State.SUCCEEDED,
        artifact=artifact,
        result=result,
        scope=scope.to_json(),
        finished_at=Now(),
        stage="finished",
        done=result["rows"],
        total=result["rows"],
    )
    # The name is this attempt's alone: then an earlier call did it, and lost the answer.
    is_done = won or Task.objects.filter(pk=task.pk, artifact=artifact).exists()
    return _followed(task, is_done, keeps=artifact)


def fail(task: Task, error: ReportFailed) -> bool:
    return _followed(task, _move(_held(task), State.FAILED, **_failure(task, error)))


def end_canceled(task: Task) -> bool:
    asked = _held(task).filter(cancel_requested_at__isnull=False)
    return _followed(task, _move(asked, State.CANCELED, finished_at=Now()))


def cancel(task: Task) -> Task:
    """Cancel a queued task, ask a running one to end; `TooLate` when it has ended."""
    mine = Task.objects.filter(pk=task.pk)
    if not _move(mine.filter(state=State.QUEUED), State.CANCELED, finished_at=Now(),
                 cancel_requested_at=Now()):  # fmt: skip
        mine.filter(state=State.RUNNING, cancel_requested_at=None).update(
            cancel_requested_at=Now(), version=F("version") + 1
        )
    task.refresh_from_db()
    if not task.is_final and task.cancel_requested_at is None:
        return cancel(task)  # it went back to the queue just between the two statements
    projection.write(task)
    if task.is_final and task.state != State.CANCELED:
        raise TooLate(task)
    return task


def hand_over(task: Task) -> bool:
    """Give the task back unfinished, for another worker: that was no attempt."""
    fit = _held(task).filter(cancel_requested_at=None, deadline__gt=Now())
    won = _move(fit, State.QUEUED, attempt=F("attempt") - 1, **_AGAIN)
    return _followed(task, won) or end_canceled(task)


def end_silent(task: Task, error: ReportFailed | None) -> bool:
    """End a silent worker's attempt: by its error, or else to be tried again.

    The guard is the fence: a worker that claimed it meanwhile keeps it, and so does one
    that beat just in time.
    """
    held = _held(task).filter(lease_until__lt=Now())
    if task.cancel_requested_at is not None:
        return _followed(task, _move(held, State.CANCELED, finished_at=Now()))
    # A cancel that came since it was read is seen at the next call.
    held = held.filter(cancel_requested_at=None)
    if error is not None:
        return _followed(task, _move(held, State.FAILED, **_failure(task, error)))
    return _followed(task, _move(held, State.QUEUED, **_AGAIN))


def expire(task: Task) -> bool:
    """Erase what was asked and made, once; the caller removes the artifact.

    What succeeded is `expired` then; any other end stays what it was.
    """
    mine = Task.objects.filter(pk=task.pk, erased=False)
    if task.state == State.SUCCEEDED:
        won = _move(mine, State.EXPIRED, result=None, artifact="", **_ERASED)
    else:
        with override(task.language):
            error = task.error and {**task.error, "detail": str(DETAIL_ERASED)}
        ended = mine.filter(state__in=FINAL - {State.SUCCEEDED})
        won = bool(ended.update(version=F("version") + 1, error=error, **_ERASED))
    return _followed(task, won)


def _move(tasks: QuerySet[Task], to: State, **fields: Any) -> bool:
    """Move the one task meant, if it is still where it may move from."""
    if to in FINAL and to != State.EXPIRED:
        fields["expires_at"] = Now() + F("retention")
    movable = tasks.filter(state__in=sources(to))
    return bool(movable.update(state=to, version=F("version") + 1, **fields))


def _held(task: Task) -> QuerySet[Task]:
    """The task as long as the attempt that read it holds it."""
    return Task.objects.filter(pk=task.pk, state=State.RUNNING, fence=task.fence)


def _followed(task: Task, won: bool, *, keeps: str = "") -> bool:
    """Have Redis and the files follow a move; of the attempt's files that one stays."""
    if won:
        projection.repair(task.pk)
        try:
            artifacts.keep_only(task.pk, keeps, up_to=task.fence)
        except OSError:  # the sweep does it
            log.exception("file_kept", task_id=str(task.pk))
    return won


def _lease() -> Any:
    """By the database's clock, for the hosts' may differ."""
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def _failure(task: Task, error: ReportFailed) -> dict[str, Any]:
    return {"error": error.to_json(task.language), "finished_at": Now()}
