"""Writes the access log: who asked for or downloaded what."""

import structlog

from school.models import User
from tasks.models import AccessLogEntry, Task


def record_access(viewer: User, action: AccessLogEntry.Action, task: Task) -> None:
    """Add an entry, in the caller's transaction."""
    AccessLogEntry.objects.create(
        viewer=viewer,
        action=action,
        task_id=task.pk,
        kind=task.kind,
        scope=task.scope,
        request_id=current_request_id(),
    )


def current_request_id() -> str:
    """Of the request under way: what its client calls it, or else we."""
    context = structlog.contextvars.get_contextvars()
    return str(context.get("request_id", ""))
