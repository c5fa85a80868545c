"""Result downloads: metadata of a result file, and opening it with an access log entry."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from school.models import User
from tasks import access_log, artifacts
from tasks.errors import ResultExpired, ResultUnavailable
from tasks.models import AccessLogEntry, Task
from tasks.states import State
from tasks.status.reader import get_task_for


@dataclass(frozen=True)
class Result:
    task: Task
    filename: str
    media_type: str
    bytes: int
    sha256: str
    finished_at: datetime


def find_result(task_id: uuid.UUID, viewer: User) -> Result:
    """Return the result of the viewer's own task.

    Raises `TaskNotFound`, `TaskPurged`, `ResultExpired` or `ResultUnavailable`.
    """
    task = get_task_for(task_id, viewer)
    if task.state == State.EXPIRED:
        raise ResultExpired(task.expiry_reason)
    if task.state != State.SUCCEEDED or task.result is None or not task.finished_at:
        raise ResultUnavailable(task)
    size = artifacts.size(task.artifact)
    if size is None:
        raise ResultExpired  # deleted since the row was read
    result = task.result
    return Result(
        task=task,
        filename=result["filename"],
        media_type=result["media_type"],
        bytes=size,
        sha256=result["sha256"],
        finished_at=task.finished_at,
    )


def open_result(result: Result, viewer: User) -> IO[bytes]:
    """Open the result file and record the download in the access log."""
    file = artifacts.open_artifact(result.task.artifact)
    if file is None:
        raise ResultExpired
    try:
        access_log.record_access(viewer, AccessLogEntry.Action.DOWNLOADED, result.task)
    except BaseException:
        file.close()
        raise
    return file
