"""Tasks in the states that tests need, made by the real functions."""

import csv
import io
import json
import uuid
from typing import Any

from school.models import User
from tasks import artifacts, lifecycle
from tasks.errors import TimedOut
from tasks.maintenance import retention
from tasks.models import Task
from tasks.status import projection
from tasks.submission.validation import ReportRequest
from tasks.worker.tasks import generate_report


def queue_task(
    viewer: User,
    parameters: dict[str, Any] | None = None,
    *,
    kind: str = "class_performance",
    format: str = "json",
    language: str = "pt-BR",
) -> Task:
    """A queued task; of class 1 if nothing else is said."""
    parameters = {"class_id": 1} if parameters is None else parameters
    # A key of its own, so that equal ones are not joined.
    request = ReportRequest(
        kind, parameters, format, language, idempotency_key=str(uuid.uuid4())
    )
    return lifecycle.submit_report(viewer, request).task


def run_task(
    viewer: User,
    parameters: dict[str, Any] | None = None,
    *,
    kind: str = "class_performance",
    format: str = "json",
    language: str = "pt-BR",
) -> Task:
    """A task whose report was made, by the worker's own function in this process."""
    task = queue_task(viewer, parameters, kind=kind, format=format, language=language)
    generate_report(str(task.pk))
    task.refresh_from_db()
    return task


def read_rows(task: Task) -> Any:
    """The rows of a finished report, from its file."""
    content = artifacts.read_artifact(task.artifact)
    if task.format == "csv":
        return list(csv.DictReader(io.StringIO(content.decode())))
    return json.loads(content)


TASK_STATES = [
    "queued",
    "running",
    "succeeded",
    "failed",
    "canceled",
    "expired",
    "purged",
]
"""All that a client can meet; what was purged is none of the lifecycle."""


def create_task_in_state(
    state: str, viewer: User, parameters: dict[str, Any] | None = None, **options: str
) -> Task:
    """A task in that one of `STATES`."""
    if state in {"succeeded", "expired", "purged"}:
        task = run_task(viewer, parameters, **options)
    else:
        task = queue_task(viewer, parameters, **options)
    if state in {"running", "failed"}:
        task = lifecycle.claim(task.pk) or task
        projection.sync_document(task)
    if state == "failed":
        lifecycle.fail(task, TimedOut())
    elif state == "canceled":
        lifecycle.cancel(task)
    elif state == "expired":
        lifecycle.expire(task)
    elif state == "purged":
        retention.delete_task(task, viewer)
    return task
