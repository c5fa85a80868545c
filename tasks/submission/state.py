"""State of the database that decides on a new task: read by one statement, under a lock."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.db.models import CharField, IntegerField, JSONField
from django.db.models.functions import Now

from school.models import User
from school.prepared_sql import Parameter, PreparedQuery
from tasks.models import Task
from tasks.scheduling import outbox
from tasks.submission import idempotency, quotas, storage
from tasks.submission.validation import ReportRequest

_VIEWER = Parameter("viewer_id", IntegerField())
_QUEUE = Parameter("queue", CharField())
_KEY = Parameter("key", CharField())
_FINGERPRINT = Parameter("fingerprint", CharField())
_SCOPE = Parameter("scope", JSONField())


@dataclass(frozen=True)
class _Shape:
    """Properties of a submission on which the SQL text depends."""

    has_key: bool
    counts_queue: bool
    sums_results: bool
    active_limit: int
    queue_limit: int
    publish_limit: int


def lock_requests_of(viewer: User) -> None:
    """Lock the viewer's row until the end of the transaction, or raise `User.DoesNotExist`.

    It serialises a user's requests, so that the second of two equal ones sees the first.
    """
    if _prepare_lock().read_one(viewer_id=viewer.pk) is None:
        raise User.DoesNotExist


def read_state(viewer: User, request: ReportRequest, task: Task) -> Any:
    """Return the values that the checks of a submission and its publication need, by name."""
    shape = _Shape(
        has_key=bool(request.idempotency_key),
        counts_queue=not quotas.is_known_short(task.queue),
        sums_results=not storage.is_known_small(viewer.pk),
        active_limit=settings.MAX_ACTIVE_PER_ROLE[viewer.role],
        queue_limit=settings.MAX_QUEUED,
        publish_limit=settings.MAX_PUBLISHED_PER_QUEUE,
    )
    (values,) = _prepare(shape).read(
        viewer_id=viewer.pk,
        queue=task.queue,
        key=request.idempotency_key,
        fingerprint=task.fingerprint,
        scope=task.scope,
    )
    return values


@cache
def _prepare_lock() -> PreparedQuery[Any]:
    # A statement of its own: what waits for a lock reads what was there before.
    rows = User.objects.select_for_update(no_key=True).filter(pk=_VIEWER)
    return PreparedQuery(rows.values("pk"))


@lru_cache(maxsize=256)
def _prepare(shape: _Shape) -> PreparedQuery[Any]:
    if shape.has_key:
        expressions = idempotency.key_subqueries(_VIEWER, _KEY)
    else:
        expressions = idempotency.equal_subqueries(_VIEWER, _FINGERPRINT, _SCOPE)
    expressions["now"] = Now()
    expressions["has_room"] = outbox.has_room(_VIEWER, _QUEUE, shape.publish_limit)
    expressions["active_count"] = quotas.count_active(_VIEWER, shape.active_limit)
    if shape.counts_queue:
        expressions["queue_length"] = quotas.count_queued(_QUEUE, shape.queue_limit)
    if shape.sums_results:
        expressions["stored_bytes"] = storage.sum_results(_VIEWER)
    return PreparedQuery(User.objects.filter(pk=_VIEWER).values(**expressions))
