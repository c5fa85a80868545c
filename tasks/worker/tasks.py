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
    LeaseLost,
    OutOfMemory,
    ReportFailed,
    RequestRefused,
    Unforeseen,
)
from tasks.models import Task
from tasks.progress import Tracker
from tasks.status import projection
from tasks.worker import memory_limit
from tasks.worker.build import Product, produce
from tasks.worker.heartbeat import Heartbeat

log = structlog.get_logger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError)
NOT_ITS_FAULT = (*DATABASE_AWAY, OSError, RequestRefused)
"""The database is away, the disk full, or this worker's release does not know the kind."""
SETTLE_SECONDS = 120
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
            _show(task)
            settle = _attempt(task, tracker)
            if settle is not None:
                _persist(settle)
        except SystemExit:  # this process was told to end, without any notice
            connections.close()
            lifecycle.hand_over(task)
            raise


def _show(task: Task) -> None:
    try:
        projection.write(task)
    except Error:  # the dispatcher does it
        connections.close()


def _attempt(task: Task, tracker: Tracker) -> Callable[[], object] | None:
    """Make the report; how it is to be settled, or None if that is not this worker's."""
    try:
        with memory_limit.limited(settings.REPORT_MEMORY_BYTES):
            product = produce(task, tracker)
    except LeaseLost:
        log.warning("lease_lost", task_id=str(task.pk))
        return None
    except Canceled:
        return partial(lifecycle.end_canceled, task)
    except ReportFailed as error:
        return partial(lifecycle.fail, task, error)
    except MemoryError:
        return partial(lifecycle.fail, task, OutOfMemory())
    except NOT_ITS_FAULT:
        fault = Unforeseen()
        log.exception("host_at_fault", task_id=str(task.pk), reference=fault.reference)
        if task.attempt < lifecycle.MAX_ATTEMPTS:
            return None  # its lease runs out, and it is tried again
        return partial(lifecycle.fail, task, fault)
    except Exception:  # the boundary: whatever a report raises, its task ends
        fault = Unforeseen()
        log.exception("report_failed", task_id=str(task.pk), reference=fault.reference)
        return partial(lifecycle.fail, task, fault)
    return partial(_succeed, task, product)


def _succeed(task: Task, product: Product) -> None:
    settled = lifecycle.succeed(
        task, artifact=product.artifact, result=product.result, scope=product.scope
    )
    if not settled:
        artifacts.remove(product.artifact)
        lifecycle.end_canceled(task)  # or lost: then this moves nothing


def _persist(settle: Callable[[], object]) -> None:
    """Settle, trying again while the database is away; the fence makes that safe."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            settle()
            return
        except DATABASE_AWAY:
            if time.monotonic() > deadline:
                raise
            log.warning("settling_postponed")
            connections.close()
            time.sleep(1)
