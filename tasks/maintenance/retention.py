"""Ends a task for good: its row goes, and a tombstone says for a year that there was one."""

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

BATCH = 500
STRAGGLER_SECONDS = 120
"""Longer than a document lives that somebody was just writing when its task was purged."""


def delete(task: Task, viewer: User) -> None:
    """Purge the viewer's own task at once; `NotEnded` if it is too early for that."""
    if not task.is_final:
        raise TaskNotFinished(task)
    with transaction.atomic():
        if not bury(task):
            raise TaskPurged  # by somebody else, since it was read
        access_log.record_access(viewer, AccessLogEntry.Action.DELETED, task)
    try:
        _clear(task.pk)
    except (RedisUnavailable, OSError) as error:  # the sweep does it
        log.warning("clearing_postponed", task_id=str(task.pk), reason=str(error))


def purge_past() -> None:
    """Purge what was erased already and ended long ago."""
    long_ago = Now() - settings.TASK_TTL
    past = Task.objects.filter(is_erased=True, finished_at__lt=long_ago)
    for task in past.order_by("finished_at")[:BATCH]:
        bury(task)


def bury(task: Task) -> bool:
    """Put a tombstone in the place of the row; False if it was not final, or is gone."""
    with transaction.atomic():
        final = Task.objects.filter(pk=task.pk, state__in=FINAL)
        _count, deleted = final.delete()
        if not deleted.get(Task._meta.label):
            return False
        Tombstone.objects.create(
            id=task.pk, requester_id=task.requester_id, purged_at=Now()
        )
    return True


def clear_graves() -> None:
    """Erase what purged tasks left outside the database, until it is sure to be gone.

    A straggler that had read the row may write its document once more after it was
    dropped. So each grave is cleared at once, and again when no such copy can come.
    """
    uncleared = Tombstone.objects.filter(is_cleared=False).order_by("purged_at")
    graves = list(uncleared.values_list("pk", flat=True)[:BATCH])
    cleared = []
    for task_id in graves:
        try:
            _clear(task_id)
        except OSError:  # the others' need not wait for that
            log.exception("file_delete_failed", task_id=str(task_id))
        else:
            cleared.append(task_id)
    long_ago = Now() - timedelta(seconds=STRAGGLER_SECONDS)
    sure = Tombstone.objects.filter(pk__in=cleared, purged_at__lt=long_ago)
    sure.update(is_cleared=True)


def _clear(task_id: uuid.UUID) -> None:
    artifacts.delete_other_attempts(task_id)
    connections.give_back()
    redis_store.drop_document(task_id)
    redis_store.drop_vouch(task_id)  # of a short report it outlives the end by seconds
