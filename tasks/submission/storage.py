"""Storage limit of a requester, and free space of the artifact volume."""

import math
from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, Min, OuterRef, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from tasks import artifacts, lifecycle
from tasks.errors import DiskNearlyFull, TooManyResults
from tasks.models import AccessLogEntry, Task
from tasks.states import ExpiryReason, State

DOWNLOAD_GRACE = timedelta(minutes=10)
"""Time after a download in which the result is kept, because the download may be resumed."""
MAX_RETRY_AFTER = 3600


def check_free_disk() -> None:
    """Raise `DiskNearlyFull` if the artifact volume has less than `MIN_FREE_DISK_BYTES`."""
    if not has_free_disk():
        raise DiskNearlyFull


def has_free_disk() -> bool:
    return artifacts.free_bytes() >= settings.MIN_FREE_DISK_BYTES


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


def _stored_results(requester_id: int) -> QuerySet[Task]:
    return Task.objects.filter(requester=requester_id, state=State.SUCCEEDED)


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
