"""Artifact garbage collection: orphan files, and rows whose file is lost."""

import time

import structlog

from tasks import artifacts, lifecycle
from tasks.models import Task
from tasks.states import ExpiryReason, State

log = structlog.get_logger(__name__)

SHARDS_PER_MINUTE = 5
"""Shards per run of the sweep; all 256 are swept within an hour."""
MIN_AGE_SECONDS = 3600
SAMPLE_SIZE = 100


def sweep_shards() -> None:
    """Sweep the shards that are due by the clock."""
    start = int(time.time() // 60) * SHARDS_PER_MINUTE
    for index in range(start, start + SHARDS_PER_MINUTE):
        if not sweep_shard(artifacts.SHARDS[index % len(artifacts.SHARDS)]):
            log.error(
                "artifact_volume_missing",
                detail="Is the disk mounted? No shard was swept.",
            )
            return


def sweep_shard(shard: str) -> bool:
    """Expire rows whose file is lost, and delete old files that no task needs.

    Returns False, without changes, if the artifact volume is missing.
    """
    rows = _succeeded_tasks(shard)
    files = artifacts.list_shard(shard)
    # Checked after listing the files, because the volume may disappear at any time.
    if not _is_artifact_volume():
        return False
    names = {file.name for file in files}
    for task in rows:
        # The rows were read before the files, so their files existed at that time.
        is_gone = task.artifact not in names and not artifacts.exists(task.artifact)
        if is_gone and lifecycle.erase(task, ExpiryReason.FILE_LOST):
            log.warning("artifact_lost", task_id=str(task.pk))
    cutoff = time.time() - MIN_AGE_SECONDS
    referenced_names = {task.artifact for task in rows}
    _remove_orphans(
        [f for f in files if f.mtime < cutoff and f.name not in referenced_names]
    )
    return True


def _remove_orphans(files: list[artifacts.StoredFile]) -> None:
    rows = Task.objects.only("state", "fence", "artifact")
    tasks = rows.in_bulk([file.task_id for file in files])
    for file in files:
        if not _is_needed(file, tasks.get(file.task_id)):
            log.warning("orphan_file_deleted", name=file.name)
            artifacts.delete_artifact(file.name)


def _is_needed(file: artifacts.StoredFile, task: Task | None) -> bool:
    """Return whether the file is the task's result or belongs to its current attempt."""
    if task is None:
        return False
    is_in_progress = task.state == State.RUNNING and task.fence == file.fence
    return is_in_progress or task.artifact == file.name


def _is_artifact_volume() -> bool:
    """Return whether the artifact volume is mounted; a missing volume is no deletion.

    The sentinel is written once, while the files of the oldest rows still exist.
    """
    if artifacts.has_sentinel():
        return True
    oldest = Task.objects.filter(state=State.SUCCEEDED).order_by("pk")[:SAMPLE_SIZE]
    if not all(artifacts.exists(task.artifact) for task in oldest):
        return False
    artifacts.write_sentinel()
    return True


def _succeeded_tasks(shard: str) -> list[Task]:
    # These bounds sort correctly in every collation, even one that ignores the slash.
    rows = Task.objects.filter(
        state=State.SUCCEEDED, artifact__gte=f"{shard}/", artifact__lt=f"{shard}/g"
    )
    return list(rows.order_by("artifact").only("artifact", "state", "error"))
