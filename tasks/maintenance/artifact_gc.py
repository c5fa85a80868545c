"""Files that no row names, and rows whose file is gone: finds them and sets them right."""

import time

import structlog

from tasks import artifacts, lifecycle
from tasks.models import Task
from tasks.states import State

log = structlog.get_logger(__name__)

FOLDERS_A_MINUTE = 5
"""So that all are seen within an hour."""
YOUNG_SECONDS = 3600
SAMPLE = 100


def settle_some() -> None:
    """Settle the folders whose turn it is by the clock."""
    turn = int(time.time() // 60) * FOLDERS_A_MINUTE
    for number in range(turn, turn + FOLDERS_A_MINUTE):
        if not settle(artifacts.SHARDS[number % len(artifacts.SHARDS)]):
            log.error("artifacts_unknown", detail="Is the disk there? None is settled.")
            return


def settle(folder: str) -> bool:
    """Expire the rows whose file is gone, and remove the old files that nobody needs.

    False if this is not the place where the files are, so that nothing can be said.
    """
    rows = _succeeded_in(folder)
    files = artifacts.list_shard(folder)
    # After the look at the files: the disk may be lost at any time.
    if not _is_our_place():
        return False
    there = {file.name for file in files}
    for task in rows:
        # The rows were read first: what they named was there then.
        is_gone = task.artifact not in there and not artifacts.exists(task.artifact)
        if is_gone and lifecycle.expire(task):
            log.warning("artifact_lost", task_id=str(task.pk))
    old = time.time() - YOUNG_SECONDS
    named = {task.artifact for task in rows}
    _remove_needless([f for f in files if f.mtime < old and f.name not in named])
    return True


def _remove_needless(files: list[artifacts.StoredFile]) -> None:
    some = Task.objects.only("state", "fence", "artifact")
    tasks = some.in_bulk([file.task_id for file in files])
    for file in files:
        if not _is_needed(file, tasks.get(file.task_id)):
            log.warning("file_without_row", name=file.name)
            artifacts.delete_artifact(file.name)


def _is_needed(file: artifacts.StoredFile, task: Task | None) -> bool:
    """Whether it is the task's result, or the attempt that counts may still make it so."""
    if task is None:
        return False
    is_in_the_making = task.state == State.RUNNING and task.fence == file.fence
    return is_in_the_making or task.artifact == file.name


def _is_our_place() -> bool:
    """Whether the files can be judged: a disk that is missing is no deletion.

    The place is marked once, while the rows still find their files there.
    """
    if artifacts.has_sentinel():
        return True
    oldest = Task.objects.filter(state=State.SUCCEEDED).order_by("pk")[:SAMPLE]
    if not all(artifacts.exists(task.artifact) for task in oldest):
        return False
    artifacts.write_sentinel()
    return True


def _succeeded_in(folder: str) -> list[Task]:
    # Bounds that every collation puts in this order, even one that passes over the slash.
    held = Task.objects.filter(
        state=State.SUCCEEDED, artifact__gte=f"{folder}/", artifact__lt=f"{folder}/g"
    )
    return list(held.order_by("artifact").only("artifact", "state", "error"))
