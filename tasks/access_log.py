"""Writes the access log: who asked for or downloaded what."""

import structlog

from school.models import User
from tasks.models import AccessEntry, Task


def record(viewer: User, action: AccessEntry.Action, task: Task) -> None:
    """Add an entry, in the caller's transaction."""
    AccessEntry.objects.create(
        viewer=viewer,
        action=action,
        task_id=task.pk,
        kind=task.kind,
        scope=task.scope,
        request_id=request_id(),
    )


def request_id() -> str:
    """Of the request under way: what its client calls it, or else we."""
    bound = structlog.contextvars.get_contextvars()
    return str(bound.get("request_id", ""))
