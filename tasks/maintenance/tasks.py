"""Celery maintenance tasks: the sweep and housekeeping commands."""

from datetime import timedelta
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.db.models import QuerySet
from django.db.models.functions import Now

from school.models import GradeChange, RefreshToken, Session
from tasks import artifacts, lifecycle
from tasks.maintenance import artifact_gc, retention
from tasks.maintenance.jobs import run_isolated
from tasks.models import AccessLogEntry, Task, Tombstone
from tasks.scheduling.broker import CANARY
from tasks.submission import idempotency

log = structlog.get_logger(__name__)

BATCH_SIZE = 500
"""Rows handled by each step of one sweep; the next sweep continues."""
TOKEN_LEEWAY = timedelta(hours=1)
"""Time after its expiry in which the row of a token is kept; clocks differ by less."""


@shared_task(name="tasks.sweep")
def sweep(canary: str = "") -> None:
    """Expire, purge and delete what is due. Safe to run twice or to interrupt anywhere.

    As a canary it does nothing.
    """
    if canary == CANARY:
        return
    for step in (
        expire_due_tasks,
        retention.purge_old_tasks,
        retention.delete_leftovers,
        delete_old_rows,
        artifact_gc.sweep_shards,
    ):
        run_isolated(step, name=step.__name__)


@shared_task(name="tasks.run_commands")
def run_commands() -> None:
    """Run the libraries' cleanup commands, such as that for the sessions of the admin."""
    for command in settings.HOUSEKEEPING_COMMANDS:
        call_command(command)


def expire_due_tasks() -> None:
    """Delete files, parameters and results of tasks past their `expires_at`."""
    due = Task.objects.filter(is_erased=False, expires_at__lt=Now())
    for task in due.order_by("expires_at")[:BATCH_SIZE]:
        try:
            # Files first: if interrupted in between, the next sweep completes it.
            artifacts.delete_other_attempts(task.pk)
        except OSError:
            log.exception("file_delete_failed", task_id=str(task.pk))
        else:
            lifecycle.erase(task)


def delete_old_rows() -> None:
    """Delete old tombstones, logs, grade changes, idempotency keys, tokens and sessions."""
    tombstones = Tombstone.objects.filter(is_cleared=True)
    _delete_batch(tombstones.filter(purged_at__lt=Now() - settings.TOMBSTONE_TTL))
    entries = AccessLogEntry.objects.filter(
        created_at__lt=Now() - settings.ACCESS_LOG_TTL
    )
    _delete_batch(entries.order_by("created_at"))
    changes = GradeChange.objects.filter(at__lt=Now() - settings.GRADE_HISTORY_TTL)
    _delete_batch(changes.order_by("at"))
    _delete_batch(idempotency.expired_keys())
    _delete_batch(RefreshToken.objects.filter(expires_at__lt=Now() - TOKEN_LEEWAY))
    _delete_batch(Session.objects.filter(refresh_tokens=None))


def _delete_batch(rows: QuerySet[Any]) -> None:
    # In batches, because SQLite allows only one writer at a time.
    ids = list(rows.values_list("pk", flat=True)[:BATCH_SIZE])
    rows.filter(pk__in=ids).delete()
