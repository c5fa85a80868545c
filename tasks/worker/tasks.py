"""Celery task that builds every report: claim, build, settle."""

import time
import uuid
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError
from django.db.models import IntegerField

from school.db import connections
from school.models import User
from school.prepared_sql import Parameter, PreparedQuery
from tasks import artifacts, lifecycle
from tasks.errors import InvalidRequest, TooManyResults
from tasks.failures import (
    Canceled,
    InternalFailure,
    LeaseLost,
    OutOfMemory,
    ReportFailed,
    StorageFull,
)
from tasks.models import Task
from tasks.progress import Tracker
from tasks.scheduling.broker import CANARY
from tasks.status import projection
from tasks.submission import storage
from tasks.worker import memory_limit
from tasks.worker.build import BuiltReport, build_report
from tasks.worker.heartbeat import Heartbeat

log = structlog.get_logger(__name__)

DATABASE_ERRORS = (OperationalError, InterfaceError)
INFRASTRUCTURE_ERRORS = (*DATABASE_ERRORS, OSError, InvalidRequest)
"""Failures outside the report: no database, a full disk, or a kind unknown to this release."""
SETTLE_TIMEOUT_SECONDS = 120
"""Seconds to retry settling a finished report while the database is unavailable."""


@shared_task(name="tasks.generate_report")
def generate_report(task_id: str) -> None:
    """Build the report of a task, unless it is finished or another worker has it.

    As a canary it does nothing.
    """
    if task_id == CANARY:
        return
    task = _claim(uuid.UUID(task_id))
    if task is None:
        return
    # Bound from the row: a message from the dispatcher carries no request id.
    structlog.contextvars.bind_contextvars(request_id=task.request_id, task_id=task_id)
    is_settled = False
    with Heartbeat(task) as heartbeat:
        try:
            settle = _run_attempt(task, heartbeat.tracker)
            heartbeat.end_announcement()
            if settle is not None:
                is_settled = _settle_with_retry(settle)
        except SystemExit:  # the pool stops this process without a grace period
            connections.close()
            is_settled = lifecycle.release(task)
            raise
        finally:
            if heartbeat.is_announced and not is_settled:
                _confirm_document(task)


def _claim(task_id: uuid.UUID) -> Task | None:
    try:
        return lifecycle.claim(task_id)
    except DATABASE_ERRORS:
        # The connection was kept since the last task, and may have been lost since then. If
        # this claim has succeeded and lost only its answer, the lease runs out.
        connections.drop_all()
        return lifecycle.claim(task_id)


def _confirm_document(task: Task) -> None:
    try:
        projection.confirm_document(task)
    except Error:  # the dispatcher resyncs the document
        connections.drop_all()


def _run_attempt(task: Task, tracker: Tracker) -> Callable[[], bool] | None:
    """Build the report; return the call that settles it, or None if not to be settled."""
    try:
        _check_storage(task)
        with memory_limit.limit_memory(settings.REPORT_MEMORY_LIMIT_BYTES):
            report = build_report(task, tracker)
    except LeaseLost:
        log.warning("lease_lost", task_id=str(task.pk))
        return None
    except Canceled:
        return partial(lifecycle.finish_cancel, task)
    except ReportFailed as error:
        return partial(lifecycle.fail, task, error)
    except MemoryError:
        return partial(lifecycle.fail, task, OutOfMemory())
    except INFRASTRUCTURE_ERRORS:
        failure = InternalFailure()
        log.exception(
            "infrastructure_error", task_id=str(task.pk), reference=failure.reference
        )
        if task.attempt < lifecycle.MAX_ATTEMPTS:
            return None  # the lease runs out and the task is retried
        return partial(lifecycle.fail, task, failure)
    except Exception:  # boundary: any error in a report must end its task
        failure = InternalFailure()
        log.exception(
            "report_failed", task_id=str(task.pk), reference=failure.reference
        )
        return partial(lifecycle.fail, task, failure)
    return partial(_succeed, task, report)


def _check_storage(task: Task) -> None:
    """Raise `StorageFull` if the requester's results have reached their limit since submission."""
    (values,) = _prepare_sum().read(viewer_id=task.requester_id)
    if not storage.is_over_limit(task.requester_id, values):
        return
    try:
        storage.enforce_storage_limit(task.requester_id)
    except TooManyResults:
        raise StorageFull from None


@cache
def _prepare_sum() -> PreparedQuery[Any]:
    viewer_id = Parameter("viewer_id", IntegerField())
    stored_bytes = storage.sum_results(viewer_id)
    return PreparedQuery(
        User.objects.filter(pk=viewer_id).values(stored_bytes=stored_bytes)
    )


def _succeed(task: Task, report: BuiltReport) -> bool:
    is_settled = lifecycle.succeed(
        task, artifact=report.artifact, result=report.result, scope=report.scope
    )
    if not is_settled:
        artifacts.delete_artifact(report.artifact)
        # It does nothing if the lease was lost.
        is_settled = lifecycle.finish_cancel(task)
    return is_settled


def _settle_with_retry(settle: Callable[[], bool]) -> bool:
    """Settle; return False if the lease was lost.

    It is retried while the database is unavailable, which the fence makes safe.
    """
    deadline = time.monotonic() + SETTLE_TIMEOUT_SECONDS
    while True:
        try:
            return settle()
        except DATABASE_ERRORS:
            if time.monotonic() > deadline:
                raise
            log.warning("settle_retried")
            connections.drop_all()
            time.sleep(1)
