"""The Celery function that makes every report: claim, produce, settle."""

import uuid

import structlog
from celery import shared_task

from tasks import artifacts, lifecycle
from tasks.errors import Canceled, LeaseLost, ReportFailed
from tasks.heartbeat import Heartbeat
from tasks.models import Task
from tasks.production import Product, produce

log = structlog.get_logger(__name__)


@shared_task(name="tasks.generate_report")
def generate_report(task_id: str) -> None:
    """Make the report of that task, unless it is over or somebody else makes it."""
    task = lifecycle.claim(uuid.UUID(task_id))
    if task is None:
        return
    try:
        with Heartbeat(task) as tracker:
            _succeed(task, produce(task, tracker))
    except LeaseLost:
        log.warning("lease_lost", task_id=task_id)
    except Canceled:
        lifecycle.end_canceled(task)
    except ReportFailed as error:
        lifecycle.fail(task, error)
    except Exception:  # the boundary: whatever a report raises, its task ends
        log.exception("report_failed", task_id=task_id, kind=task.kind)
        lifecycle.fail(task, ReportFailed())


def _succeed(task: Task, product: Product) -> None:
    settled = lifecycle.succeed(
        task, artifact=product.artifact, result=product.result, scope=product.scope
    )
    if not settled:
        artifacts.remove(product.artifact)
        raise Canceled  # or lost: then ending it as canceled moves nothing
