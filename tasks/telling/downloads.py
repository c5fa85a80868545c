"""Opens the file of a task for its requester, and writes that down."""

import uuid
from dataclasses import dataclass
from typing import IO

from school.models import User
from tasks import artifacts, audit
from tasks.errors import NoResult, ResultExpired
from tasks.models import AccessEntry
from tasks.states import State
from tasks.telling.reading import own_task


@dataclass(frozen=True)
class Download:
    file: IO[bytes]
    filename: str
    media_type: str
    sha256: str


def open_result(task_id: uuid.UUID, viewer: User) -> Download:
    """The artifact of the viewer's own task; the caller closes the file."""
    task = own_task(task_id, viewer)
    if task.state == State.EXPIRED:
        raise ResultExpired
    if task.state != State.SUCCEEDED or task.result is None:
        raise NoResult(task)
    file = artifacts.open_artifact(task.artifact)
    if file is None:
        raise ResultExpired  # erased between the row and here
    audit.record(viewer, AccessEntry.Action.DOWNLOADED, task)
    result = task.result
    return Download(file, result["filename"], result["media_type"], result["sha256"])
