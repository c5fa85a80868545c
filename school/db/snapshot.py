"""Consistent, read-only snapshot of the database on a separate connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.db.models import DateTimeField, Model
from django.db.models.functions import Now

from school.models import Network

ALIAS = "snapshot"
_is_open: ContextVar[bool] = ContextVar("snapshot_is_open", default=False)


@contextmanager
def snapshot() -> Iterator[datetime]:
    """Route all reads inside the block to one snapshot; yield its time.

    The snapshot uses a second connection, so that a long report delays neither the
    heartbeat nor the final transition of its task. The connection is closed on exit.
    """
    token = _is_open.set(True)
    try:
        with transaction.atomic(using=ALIAS):
            # On PostgreSQL and SQLite alike, the first statement fixes the snapshot.
            rows = Network.objects.annotate(at=Now(output_field=DateTimeField()))
            started_at = rows.values_list("at", flat=True).first()
            yield started_at or datetime.now().astimezone()
    finally:
        _is_open.reset(token)
        if not connections[ALIAS].in_atomic_block:
            connections[ALIAS].close()


class SnapshotRouter:
    """Database router that sends reads, never writes, to an open snapshot."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return ALIAS if _is_open.get() else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool:
        return True  # both aliases are the same database
