"""The short Celery functions of the queue `default`, and the canary of every queue."""

from contextlib import suppress
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.db.models import QuerySet
from django.db.models.functions import Now

from school.db import connections
from tasks import artifacts, lifecycle, redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.maintenance import artifact_gc, retention
from tasks.models import AccessLogEntry, Task, Tombstone
from tasks.submission import idempotency

log = structlog.get_logger(__name__)

CANARY_SECONDS = 10
BATCH_SIZE = 500
"""What one call takes on of each thing; the next one goes on."""


@shared_task(name="tasks.sweep")
def sweep() -> None:
    """End what is past its time. Harmless when doubled, and when it is cut off anywhere."""
    for step in (
        expire_due_tasks,
        retention.purge_old_tasks,
        retention.delete_leftovers,
        delete_old_rows,
        artifact_gc.sweep_shards,
    ):
        try:
            step()
        except RedisUnavailable:
            pass
        except Exception:  # the boundary: what hinders one step hinders no other
            log.exception("sweep_step_failed", step=step.__name__)
            connections.close()


@shared_task(name="tasks.run_commands")
def run_commands() -> None:
    """Have the libraries tidy their own tables."""
    for command in settings.HOUSEKEEPING_COMMANDS:
        call_command(command)


@shared_task(name="tasks.canary")
def canary(queue: str) -> None:
    """Prove that the queue's workers take messages: that one is alive is not enough."""
    with suppress(RedisUnavailable):  # then the mark is missing, which is the truth
        redis_store.set_alive(queue, seconds=3 * CANARY_SECONDS)


def expire_due_tasks() -> None:
    """Erase what was asked and made with tasks that are past their time."""
    due = Task.objects.filter(is_erased=False, expires_at__lt=Now())
    for task in due.order_by("expires_at")[:BATCH_SIZE]:
        try:
            # The files first: if this is cut off in between, the next call ends it.
            artifacts.delete_other_attempts(task.pk)
        except OSError:
            log.exception("file_delete_failed", task_id=str(task.pk))
        else:
            lifecycle.expire(task)


def delete_old_rows() -> None:
    """Delete what need not be known any more."""
    tombstones = Tombstone.objects.filter(is_cleared=True)
    _delete_batch(tombstones.filter(purged_at__lt=Now() - settings.TOMBSTONE_TTL))
    entries = AccessLogEntry.objects.filter(
        created_at__lt=Now() - settings.ACCESS_LOG_TTL
    )
    _delete_batch(entries.order_by("created_at"))
    _delete_batch(idempotency.expired_keys())


def _delete_batch(rows: QuerySet[Any]) -> None:
    # No more at once: while SQLite writes, nobody else does.
    ids = list(rows.values_list("pk", flat=True)[:BATCH_SIZE])
    rows.filter(pk__in=ids).delete()
