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
        request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
    )
