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
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from school.access import Scope, scope_of, visible_enrolments
from school.models import Role, User
from tasks import audit, catalogue, fairness, mirror, parameters, quotas
from tasks.errors import (
    Flaw,
    NotForYourRole,
    ReportFailed,
    RequestRefused,
    TimedOut,
    TooLate,
    WorkerLost,
)
from tasks.models import AccessEntry, Task
from tasks.progress import Progress
from tasks.states import State, sources

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3


def request(
    viewer: User,
    *,
    kind: str,
    parameters_given: object,
    format: str,
    language: str,
) -> Task:
    """Accept a report, or raise why not. When this returns the row is committed."""
    report = catalogue.report(kind)
    if Role(viewer.role) not in report.audience:
        raise NotForYourRole(f"The report {kind!r} is not offered to your role.")
    if format not in report.formats:
        offered = ", ".join(report.formats)
        raise RequestRefused(
            Flaw("/format", "unknown_format", f"{kind} comes as: {offered}.")
        )
    wanted = parameters.parse(report.parameters_model(), parameters_given)
    parameters.check_visible(wanted, viewer)
    seen = parameters.narrow(visible_enrolments(viewer), wanted)
    scope = scope_of(viewer, seen)
    school_id = parameters.school_of(seen)
    with transaction.atomic():
        quotas.check(viewer, report.queue)
        task = Task.objects.create(
            requester=viewer,
            kind=kind,
            parameters=wanted.model_dump(mode="json", exclude_unset=True),
            format=format,
            language=language,
            school_id=school_id,
            queue=report.queue,
            time_limit=report.time_limit,
            scope=scope.to_json(),
            stamp=viewer.stamp,
            created_at=Now(),
        )
        audit.record(viewer, AccessEntry.Action.CREATED, task)
        task.refresh_from_db()
    try:
        mirror.write(task)
        fairness.publish_if_room(task)
    except DatabaseError:
        # It is committed, so it is accepted; the dispatcher does what was left.
        log.exception("send_off_postponed", task_id=str(task.pk))
    return task


def claim(task_id: uuid.UUID) -> Task | None:
    """Take the task for this worker, or None: somebody else has it, or it is over."""
    limit = Task.objects.filter(pk=task_id).values_list("time_limit", flat=True).first()
    if limit is None:
        return None
    free = Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=Now())
    with transaction.atomic():
        claimable = Task.objects.filter(
            free, pk=task_id, attempt__lt=MAX_ATTEMPTS, cancel_requested_at=None
        )
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
        task = Task.objects.get(pk=task_id) if won else None
    if task is not None:
        mirror.write(task)
    return task


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
        expires_at=Now() + settings.ARTIFACT_TTL,
        stage="finished",
        done=result["rows"],
        total=result["rows"],
    )
    return _mirrored(task, won)


def fail(task: Task, error: ReportFailed) -> bool:
    return _mirrored(task, _move(_held(task), State.FAILED, **_failure(error)))


def end_canceled(task: Task) -> bool:
    return _mirrored(task, _move(_held(task), State.CANCELED, finished_at=Now()))


def cancel(task: Task) -> Task:
    """Cancel a queued task, ask a running one to end; `TooLate` when it has ended."""
    mine = Task.objects.filter(pk=task.pk)
    if not _move(mine.filter(state=State.QUEUED), State.CANCELED, finished_at=Now(),
                 cancel_requested_at=Now()):  # fmt: skip
        mine.filter(state=State.RUNNING, cancel_requested_at=None).update(
            cancel_requested_at=Now(), version=F("version") + 1
        )
    task.refresh_from_db()
    mirror.write(task)
    if task.state == State.QUEUED:
        return cancel(task)  # its lease ran out just between the two statements
    if task.is_final and task.state != State.CANCELED:
        raise TooLate(task)
    return task


def recover() -> int:
    """Move on every running task whose worker is silent; how many there were."""
    silent = Task.objects.filter(state=State.RUNNING, lease_until__lt=Now())
    # Who used its time up was renewing until then, so that its lease ends after it.
    tasks = list(silent.annotate(late=Q(deadline__lte=F("lease_until")))[:100])
    for task in tasks:
        # The guard is the fence: a worker that claimed it meanwhile keeps it.
        held = _held(task).filter(lease_until__lt=Now())
        if task.cancel_requested_at is not None:
            _mirrored(task, _move(held, State.CANCELED, finished_at=Now()))
            continue
        # A cancel that came since it was read is seen at the next call.
        held = held.filter(cancel_requested_at=None)
        if task.late:
            won = _move(held, State.FAILED, **_failure(TimedOut()))
        elif task.attempt >= MAX_ATTEMPTS:
            won = _move(held, State.FAILED, **_failure(WorkerLost()))
        else:
            won = _move(held, State.QUEUED, published_at=None, lease_until=None,
                        stage="queued", done=0, total=None)  # fmt: skip
        _mirrored(task, won)
    return len(tasks)


def expire(task: Task) -> bool:
    """End the life of a result; the caller removes the artifact."""
    mine = Task.objects.filter(pk=task.pk)
    return _mirrored(task, _move(mine, State.EXPIRED, result=None))


def _move(tasks: QuerySet[Task], to: State, **fields: Any) -> bool:
    """Move the one task meant, if it is still where it may move from."""
    movable = tasks.filter(state__in=sources(to))
    return bool(movable.update(state=to, version=F("version") + 1, **fields))


def _held(task: Task) -> QuerySet[Task]:
    """The task as long as the attempt that read it holds it."""
    return Task.objects.filter(pk=task.pk, state=State.RUNNING, fence=task.fence)


def _mirrored(task: Task, won: bool) -> bool:
    if won:
        mirror.repair(task.pk)
    return won


def _lease() -> Any:
    """By the database's clock, for the hosts' may differ."""
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def _failure(error: ReportFailed) -> dict[str, Any]:
    return {
        "error": {"code": error.code, "detail": str(error) or error.detail},
        "finished_at": Now(),
    }
