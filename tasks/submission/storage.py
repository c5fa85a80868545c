"""Storage limit of a requester, and free space of the artifact volume."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Exists, Min, OuterRef, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from school.prepared_sql import Parameter
from school.subqueries import SumOf
from tasks import artifacts, lifecycle
from tasks.errors import DiskNearlyFull, TooManyResults
from tasks.models import AccessLogEntry, Task
from tasks.states import ExpiryReason, State

DOWNLOAD_GRACE = timedelta(minutes=10)
"""Time after a download in which the result is kept, because the download may be resumed."""
HEADROOM_BYTES = 512 * 1024**2
RECENT_SECONDS = 60
"""Time for which a sum counts that is below the limit by `HEADROOM_BYTES`: summing takes the
longer the more results there are, and the worker sums again before it builds."""
MAX_RETRY_AFTER = 3600


def check_free_disk() -> None:
    """Raise `DiskNearlyFull` if the artifact volume has less than `MIN_FREE_DISK_BYTES`."""
    if not has_free_disk():
        raise DiskNearlyFull


def has_free_disk() -> bool:
    return artifacts.free_bytes() >= settings.MIN_FREE_DISK_BYTES


def is_known_small(requester_id: int) -> bool:
    """Return whether the sum of the results was far from its limit a short time ago."""
    stored_bytes = cache.get(_bytes_key(requester_id))
    limit = settings.MAX_RESULT_BYTES_PER_USER
    return stored_bytes is not None and stored_bytes + HEADROOM_BYTES <= limit


def sum_results(requester_id: Parameter) -> SumOf:
    """Return the subquery of the requester's stored bytes, for `is_over_limit`."""
    return SumOf(_stored_results(requester_id), "artifact_bytes")


def is_over_limit(requester_id: int, values: Mapping[str, Any]) -> bool:
    """Return whether the requester must make room, by the sum, if it was read."""
    if (stored_bytes := values.get("stored_bytes")) is None:
        return False
    cache.set(_bytes_key(requester_id), stored_bytes, timeout=RECENT_SECONDS)
    return bool(stored_bytes >= settings.MAX_RESULT_BYTES_PER_USER)


def enforce_storage_limit(requester_id: int) -> None:
    """Make room by expiring downloaded results early, oldest first.

    Raises `TooManyResults` if the requester still stores `MAX_RESULT_BYTES_PER_USER`.
    """
    limit = settings.MAX_RESULT_BYTES_PER_USER
    stored = _stored_results(requester_id)
    total = stored.aggregate(total=Sum("artifact_bytes", default=0))["total"]
    if total < limit:
        return
    for task in stored.filter(_was_downloaded()).order_by("finished_at"):
        # Files first: if interrupted in between, the next call completes it.
        artifacts.delete_other_attempts(task.pk)
        if lifecycle.erase(task, ExpiryReason.STORAGE_LIMIT):
            total -= task.artifact_bytes
        if total < limit:
            return
    raise TooManyResults(
        retry_after=_retry_after(stored),
        storage={"stored_bytes": total, "limit_bytes": limit},
    )


def _stored_results(requester_id: int | Parameter) -> QuerySet[Task]:
    return Task.objects.filter(requester=requester_id, state=State.SUCCEEDED)


def _bytes_key(requester_id: int) -> str:
    return f"stored-bytes:{requester_id}"


def _was_downloaded() -> Exists:
    downloads = AccessLogEntry.objects.filter(
        task_id=OuterRef("pk"), action=AccessLogEntry.Action.DOWNLOADED
    )
    return Exists(downloads.filter(created_at__lt=Now() - DOWNLOAD_GRACE))


def _retry_after(stored: QuerySet[Task]) -> int:
    """Return the seconds until the first result expires, from 1 to `MAX_RETRY_AFTER`."""
    first = stored.aggregate(first=Min("expires_at"))["first"]
    if first is None:
        return MAX_RETRY_AFTER
    seconds: float = (first - timezone.now()).total_seconds()
    return min(MAX_RETRY_AFTER, max(1, math.ceil(seconds)))
