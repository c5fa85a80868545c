"""Task, Tombstone, IdempotencyKey and the access log."""

import uuid
from typing import Any

import uuid_utils.compat
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from tasks.states import FINAL, State


def new_id() -> uuid.UUID:
    """Return a new UUIDv7, which sorts by creation time."""
    return uuid_utils.compat.uuid7()


class Task(models.Model):
    """One request for one report. Only `tasks.lifecycle` writes its state.

    The id is also the Celery task id and appears in the URL, the Redis key, the log lines
    and the artifact's file name.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="tasks",
        db_index=False,
    )
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=120, blank=True, default="", db_default="")
    """Title of the kind in the task's language."""
    about = models.CharField(max_length=300, blank=True, default="", db_default="")
    """Names of the records and chosen values, as they were when the report was asked for."""
    label = models.CharField(max_length=200, blank=True, default="", db_default="")
    """The client's own name for the task."""
    metadata = models.JSONField(default=dict, db_default={})
    """The client's own data, texts by name."""
    parameters = models.JSONField()
    format = models.CharField(max_length=20)
    language = models.CharField(max_length=10)
    fingerprint = models.CharField(max_length=64, default="", editable=False)
    """Hash of the request; finds duplicates of a queued task."""
    school_id = models.BigIntegerField(null=True)
    """School for the fair order; None if the report covers several schools."""
    queue = models.CharField(max_length=40)
    time_limit = models.DurationField()
    """Time limit of one attempt, copied from the report kind at submission."""
    expected_duration = models.DurationField(null=True)
    """Optimistic estimate from similar tasks, taken at submission."""
    request_id = models.CharField(max_length=64, blank=True)
    """Request id of the submission, repeated in the worker's log lines."""
    retention = models.DurationField()
    """Time from the end of the task to its expiry, copied from the kind at submission."""
    scope = models.JSONField()
    """Role and attachments that give the requester access to the report's contents."""
    access_version = models.IntegerField()
    """The requester's access version when `scope` was last checked."""

    state = models.CharField(max_length=9, default=State.QUEUED)
    version = models.IntegerField(default=1)
    """Incremented by every transition, so an old document never replaces a newer one."""
    projected_version = models.IntegerField(default=0)
    """Version of the last document that is known to have reached Redis."""
    attempt = models.SmallIntegerField(default=0)
    fence = models.IntegerField(default=0)
    """Incremented by every claim; a worker with an older fence has lost the task."""
    lease_until = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True)
    """End of the running attempt's time limit."""
    published_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)

    stage = models.CharField(max_length=20, default="queued")
    progress_done = models.IntegerField(default=0)
    progress_total = models.IntegerField(null=True)
    progress_unit = models.CharField(max_length=20, default="rows", db_default="rows")

    result = models.JSONField(null=True)
    artifact = models.CharField(max_length=100, blank=True)
    artifact_bytes = models.BigIntegerField(default=0)
    """Size of the file; counts towards the requester's storage limit until it is erased."""
    error = models.JSONField(null=True)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(db_default=Now())
    """Time of the last transition, which is also that of `version`."""
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    is_erased = models.BooleanField(default=False)
    """True after `expires_at`: parameters, result and file are deleted."""
    expiry_reason = models.CharField(max_length=13, blank=True)
    """Reason why the result expired, as an `ExpiryReason`; empty before."""

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in State]),
                name="task_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False),
                name="task_running_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state="succeeded") | Q(result__isnull=False),
                name="task_succeeded_has_a_result",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | Q(error__isnull=False),
                name="task_failed_has_an_error",
            ),
        ]
        indexes = [
            # Read by the dispatcher every second; the condition keeps it small.
            models.Index(
                fields=["queue", "state", "id"],
                condition=Q(state__in=["queued", "running"]),
                name="task_active",
            ),
            models.Index(
                fields=["requester"],
                condition=Q(state__in=["queued", "running"]),
                name="task_active_of_requester",
            ),
            models.Index(
                fields=["id"],
                condition=~Q(projected_version=models.F("version")),
                name="task_unmirrored",
            ),
            models.Index(fields=["requester", "id"], name="task_of_requester"),
            models.Index(
                fields=["requester", "fingerprint"],
                condition=Q(state="queued"),
                name="task_equal_waiting",
            ),
            models.Index(fields=["queue", "started_at"], name="task_pace"),
            models.Index(
                fields=["expires_at"],
                condition=Q(is_erased=False, expires_at__isnull=False),
                name="task_expiring",
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(is_erased=True),
                name="task_erased",
            ),
            models.Index(
                fields=["artifact"],
                condition=Q(state="succeeded"),
                name="task_of_artifact",
            ),
            # Summed at each submission; the second field answers it from the index alone.
            models.Index(
                fields=["requester", "artifact_bytes"],
                condition=Q(state="succeeded"),
                name="task_stored_bytes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


class IdempotencyKey(models.Model):
    """An idempotency key of a client; repeating the request returns the same task."""

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    task_id = models.UUIDField()
    """Not a foreign key: the key still refers to the task after its row is purged."""
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["requester", "key"], name="idempotency_key_once_a_requester"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.requester}"


class Tombstone(models.Model):
    """Id and requester of a purged task, without any of its contents."""

    id = models.UUIDField(primary_key=True, editable=False)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    purged_at = models.DateTimeField()
    is_cleared = models.BooleanField(default=False)
    """True once the task's file and Redis document are known to be deleted."""

    class Meta:
        indexes = [
            models.Index(fields=["purged_at"], name="tombstone_age"),
            models.Index(
                fields=["purged_at"],
                condition=Q(is_cleared=False),
                name="tombstone_uncleared",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}, purged"


class AccessLogEntry(models.Model):
    """Append-only record of a viewer creating, downloading or deleting a report."""

    class Action(models.TextChoices):
        CREATED = "created"
        DOWNLOADED = "downloaded"
        DELETED = "deleted"

    created_at = models.DateTimeField(auto_now_add=True)
    viewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=10, choices=Action)
    task_id = models.UUIDField(db_index=True)
    """Not a foreign key: the log outlives the task."""
    kind = models.CharField(max_length=60)
    scope = models.JSONField()
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["created_at"], name="access_log_entry_age")]
        verbose_name_plural = "access log entries"

    def __str__(self) -> str:
        at = timezone.localtime(self.created_at)
        return f"{at:%Y-%m-%d %H:%M} {self.action} {self.task_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("Access log entries cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("Access log entries cannot be deleted.")
