"""Signal handler that treats `celery control revoke` as a cancel request."""

import uuid
from contextlib import suppress
from typing import Any

from celery.signals import task_revoked

from school.runtime.logging import CANARY_ID_PREFIX
from tasks import lifecycle
from tasks.errors import TaskFinished
from tasks.models import Task


@task_revoked.connect
def on_task_revoked(request: Any, expired: bool, **_: Any) -> None:
    """Cancel the task; otherwise its row would stay queued and be republished forever."""
    is_canary = request.id.startswith(CANARY_ID_PREFIX)
    if expired or is_canary or request.task != "tasks.generate_report":
        return
    task = Task.objects.filter(pk=uuid.UUID(request.id)).first()
    if task is not None:
        with suppress(TaskFinished):
            lifecycle.cancel(task)
