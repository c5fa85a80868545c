"""Access log of created, downloaded and deleted reports."""

from functools import cache

import structlog

from school.models import User
from school.prepared_sql import PreparedInsert
from tasks.models import AccessLogEntry, Task


def record_access(viewer: User, action: AccessLogEntry.Action, task: Task) -> None:
    """Add an entry in the caller's transaction."""
    entry = AccessLogEntry(
        viewer=viewer,
        action=action,
        task_id=task.pk,
        kind=task.kind,
        scope=task.scope,
        request_id=current_request_id(),
    )
    _prepare_insert().execute(entry)


@cache
def _prepare_insert() -> PreparedInsert:
    return PreparedInsert(AccessLogEntry)


def current_request_id() -> str:
    """Return the id of the current HTTP request: the client's, or a generated one."""
    context = structlog.contextvars.get_contextvars()
    return str(context.get("request_id", ""))
