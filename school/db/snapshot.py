"""Consistent, read-only snapshot of the database on a separate connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import DateTimeField, Model
from django.db.models.functions import Now

from school.db import postgresql_snapshot
from school.db.connections import finish
from school.models import Network

ALIAS = "snapshot"
DEFAULT_TIME_LIMIT = timedelta(hours=1)
_is_open: ContextVar[bool] = ContextVar("snapshot_is_open", default=False)


@contextmanager
def snapshot(time_limit: timedelta = DEFAULT_TIME_LIMIT) -> Iterator[datetime]:
    """Route all reads inside the block to one snapshot; yield its time.

    The snapshot uses a second connection, so that a long report delays neither the
    heartbeat nor the final transition of its task. PostgreSQL ends it by itself some time
    after `time_limit`. Inside a transaction that is open already, the reads belong to that one.
    """
    token = _is_open.set(True)
    is_nested = connections[ALIAS].in_atomic_block
    try:
        with transaction.atomic(using=ALIAS):
            yield _read_time() if is_nested else _begin(time_limit)
    finally:
        _is_open.reset(token)
        if not is_nested:
            finish(connections[ALIAS])


def _begin(time_limit: timedelta) -> datetime:
    connection = connections[ALIAS]
    if connection.vendor == "postgresql":
        options = connection.settings_dict["OPTIONS"]
        with connection.cursor() as cursor:
            return postgresql_snapshot.begin(cursor, options, time_limit)
    return _read_time()  # the first statement fixes the snapshot


def _read_time() -> datetime:
    rows = Network.objects.annotate(at=Now(output_field=DateTimeField()))
    now: datetime | None = rows.values_list("at", flat=True).first()
    return now or datetime.now().astimezone()


class SnapshotRouter:
    """Database router that sends reads, never writes, to an open snapshot."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return ALIAS if _is_open.get() else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool:
        return True  # both aliases are the same database
