"""Factories of tasks in every state, made with the production functions."""

import csv
import io
import json
import uuid
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from school.models import User
from tasks import artifacts, lifecycle
from tasks.failures import TimedOut
from tasks.maintenance import retention
from tasks.models import Task
from tasks.status import projection
from tasks.submission.service import submit_report
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
    """Create a queued task, by default for class 1."""
    parameters = {"class_id": 1} if parameters is None else parameters
    # A unique key keeps equal requests from being answered with one task.
    request = ReportRequest(
        kind, parameters, format, language, idempotency_key=str(uuid.uuid4())
    )
    return submit_report(viewer, request).task


def run_task(
    viewer: User,
    parameters: dict[str, Any] | None = None,
    *,
    kind: str = "class_performance",
    format: str = "json",
    language: str = "pt-BR",
) -> Task:
    """Create a task and build its report in this process, with the worker's function."""
    task = queue_task(viewer, parameters, kind=kind, format=format, language=language)
    generate_report(str(task.pk))
    task.refresh_from_db()
    return task


def read_rows(task: Task) -> Any:
    """Return the rows of a finished report from its file."""
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
"""All states that a client can see: those of the lifecycle, and `purged`."""


def create_task_in_state(
    state: str, viewer: User, parameters: dict[str, Any] | None = None, **options: str
) -> Task:
    """Create a task in one of `TASK_STATES`."""
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
        lifecycle.erase(task)
    elif state == "purged":
        retention.delete_task(task, viewer)
    return task


def create_finished_task(
    viewer: User,
    seconds: float,
    parameters: dict[str, Any] | None = None,
    *,
    state: str = "succeeded",
) -> None:
    """Create a task that ran for this many seconds, `succeeded` or `failed`."""
    task = create_task_in_state(state, viewer, parameters)
    started_at = Now() - timedelta(seconds=seconds)
    Task.objects.filter(pk=task.pk).update(started_at=started_at, finished_at=Now())
