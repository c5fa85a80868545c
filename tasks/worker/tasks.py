"""The Celery function that makes every report: claim, produce, settle."""

import time
import uuid
from collections.abc import Callable
from functools import partial

import structlog
from celery import shared_task
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError

from school.db import connections
from tasks import artifacts, lifecycle
from tasks.errors import (
    Canceled,
    InternalFailure,
    InvalidRequest,
    LeaseLost,
    OutOfMemory,
    ReportFailed,
)
from tasks.models import Task
from tasks.progress import Tracker
from tasks.status import projection
from tasks.worker import memory_limit
from tasks.worker.build import BuiltReport, build_report
from tasks.worker.heartbeat import Heartbeat

log = structlog.get_logger(__name__)

DATABASE_ERRORS = (OperationalError, InterfaceError)
INFRASTRUCTURE_ERRORS = (*DATABASE_ERRORS, OSError, InvalidRequest)
"""The database is away, the disk full, or this worker's release does not know the kind."""
SETTLE_TIMEOUT_SECONDS = 120
"""How long a finished report waits for the database to come back."""


@shared_task(name="tasks.generate_report")
def generate_report(task_id: str) -> None:
    """Make the report of that task, unless it is over or somebody else makes it."""
    task = lifecycle.claim(uuid.UUID(task_id))
    if task is None:
        return
    # Also where the dispatcher sent the message, which knows of no request.
    structlog.contextvars.bind_contextvars(request_id=task.request_id, task_id=task_id)
    with Heartbeat(task) as tracker:
        try:
            _sync_document(task)
            settle = _run_attempt(task, tracker)
            if settle is not None:
                _settle_with_retry(settle)
        except SystemExit:  # this process was told to end, without any notice
            connections.close()
            lifecycle.release(task)
            raise


def _sync_document(task: Task) -> None:
    try:
        projection.sync_document(task)
    except Error:  # the dispatcher does it
        connections.close()


def _run_attempt(task: Task, tracker: Tracker) -> Callable[[], object] | None:
    """Make the report; how it is to be settled, or None if that is not this worker's."""
    try:
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
            return None  # its lease runs out, and it is tried again
        return partial(lifecycle.fail, task, failure)
    except Exception:  # the boundary: whatever a report raises, its task ends
        failure = InternalFailure()
        log.exception(
            "report_failed", task_id=str(task.pk), reference=failure.reference
        )
        return partial(lifecycle.fail, task, failure)
    return partial(_succeed, task, report)


def _succeed(task: Task, report: BuiltReport) -> None:
    is_settled = lifecycle.succeed(
        task, artifact=report.artifact, result=report.result, scope=report.scope
    )
    if not is_settled:
        artifacts.delete_artifact(report.artifact)
        lifecycle.finish_cancel(task)  # or lost: then this moves nothing


def _settle_with_retry(settle: Callable[[], object]) -> None:
    """Settle, trying again while the database is away; the fence makes that safe."""
    deadline = time.monotonic() + SETTLE_TIMEOUT_SECONDS
    while True:
        try:
            settle()
            return
        except DATABASE_ERRORS:
            if time.monotonic() > deadline:
                raise
            log.warning("settle_retried")
            connections.close()
            time.sleep(1)
