"""Purge of finished tasks: the row is replaced with a tombstone, kept for a year."""

import uuid
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from school.db import connections
from school.models import User
from tasks import access_log, artifacts, redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.errors import TaskNotFinished, TaskPurged
from tasks.models import AccessLogEntry, Task, Tombstone
from tasks.states import FINAL

log = structlog.get_logger(__name__)

BATCH_SIZE = 500
LATE_WRITE_SECONDS = 120
"""Seconds after a purge in which a process that had read the row may still write to Redis."""


def delete_task(task: Task, viewer: User) -> None:
    """Purge the viewer's own task now.

    Raises `TaskNotFinished` if it is still active and `TaskPurged` if it is gone already.
    """
    if not task.is_final:
        raise TaskNotFinished(task)
    with transaction.atomic():
        if not replace_with_tombstone(task):
            raise TaskPurged  # concurrently, after the row was read
        access_log.record_access(viewer, AccessLogEntry.Action.DELETED, task)
    try:
        _delete_files_and_keys(task.pk, task.requester_id)
    except (RedisUnavailable, OSError) as error:  # the sweep retries it
        log.warning("cleanup_deferred", task_id=str(task.pk), reason=str(error))


def purge_old_tasks() -> None:
    """Purge erased tasks that finished more than `TASK_TTL` ago."""
    cutoff = Now() - settings.TASK_TTL
    due = Task.objects.filter(is_erased=True, finished_at__lt=cutoff)
    for task in due.order_by("finished_at")[:BATCH_SIZE]:
        replace_with_tombstone(task)


def replace_with_tombstone(task: Task) -> bool:
    """Replace the row with a tombstone; return False if it is not final or is gone."""
    with transaction.atomic():
        final = Task.objects.filter(pk=task.pk, state__in=FINAL)
        _count, counts = final.delete()
        if not counts.get(Task._meta.label):
            return False
        Tombstone.objects.create(
            id=task.pk, requester_id=task.requester_id, purged_at=Now()
        )
    return True


def delete_leftovers() -> None:
    """Delete files and Redis keys of purged tasks.

    A process that had read the row may write its document again after it was dropped. So
    each tombstone is cleared at once, and again after `LATE_WRITE_SECONDS`.
    """
    tombstones = Tombstone.objects.filter(is_cleared=False).order_by("purged_at")
    purged = list(tombstones.values_list("pk", "requester_id")[:BATCH_SIZE])
    clean_ids = []
    for task_id, requester_id in purged:
        try:
            _delete_files_and_keys(task_id, requester_id)
        except OSError:  # continue with the other tasks
            log.exception("file_delete_failed", task_id=str(task_id))
        else:
            clean_ids.append(task_id)
    cutoff = Now() - timedelta(seconds=LATE_WRITE_SECONDS)
    old_enough = Tombstone.objects.filter(pk__in=clean_ids, purged_at__lt=cutoff)
    old_enough.update(is_cleared=True)


def _delete_files_and_keys(task_id: uuid.UUID, requester_id: int) -> None:
    artifacts.delete_other_attempts(task_id)
    connections.return_to_pool()
    redis_store.drop_document(task_id, requester_id)
    # The key of a short report outlives the report by seconds.
    redis_store.clear_cpu_active(task_id)
