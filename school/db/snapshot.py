"""One consistent, read-only view of the records, on a connection of its own."""

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
    """Read everything inside as of one instant, which is yielded.

    On a second connection, so that a long report holds up neither the heartbeat nor the
    settling of its own task. Leaving it gives the connection back.
    """
    token = _is_open.set(True)
    try:
        with transaction.atomic(using=ALIAS):
            # The first statement is what fixes the view of both databases.
            rows = Network.objects.annotate(at=Now(output_field=DateTimeField()))
            started_at = rows.values_list("at", flat=True).first()
            yield started_at or datetime.now().astimezone()
    finally:
        _is_open.reset(token)
        if not connections[ALIAS].in_atomic_block:
            connections[ALIAS].close()


class SnapshotRouter:
    """Sends reads to the snapshot while one is open; writes never."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return ALIAS if _is_open.get() else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool:
        return True  # both aliases are one database
