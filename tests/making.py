"""Tasks in the states that tests need, made by the real functions."""

import uuid
from typing import Any

from school.models import User
from tasks import lifecycle
from tasks.asking.requests import ReportRequest
from tasks.making.generate import generate_report
from tasks.models import Task


def asked(
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
    wanted = ReportRequest(kind, parameters, format, language, key=str(uuid.uuid4()))
    return lifecycle.request(viewer, wanted).task


def made(
    viewer: User,
    parameters: dict[str, Any] | None = None,
    *,
    kind: str = "class_performance",
    format: str = "json",
    language: str = "pt-BR",
) -> Task:
    """A task whose report was made, by the worker's own function in this process."""
    task = asked(viewer, parameters, kind=kind, format=format, language=language)
    generate_report(str(task.pk))
    task.refresh_from_db()
    return task
