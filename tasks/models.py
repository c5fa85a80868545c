"""The row that is the truth about a task, what is left of it, and who saw what."""

import uuid
from typing import Any

import uuid_utils.compat
from django.conf import settings
from django.db import models
from django.db.models import Q

from tasks.states import FINAL, State


def new_id() -> uuid.UUID:
    """A UUIDv7: unique, and in the order of asking."""
    return uuid_utils.compat.uuid7()


class Task(models.Model):
    """One request for one report. Its state is written by `tasks.lifecycle` alone.

    The id is also the Celery task id, the URL, the end of the Redis key, a field of the
    log lines and the beginning of the artifact's name.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="tasks",
        db_index=False,
    )
    kind = models.CharField(max_length=60)
    parameters = models.JSONField()
    format = models.CharField(max_length=20)
    language = models.CharField(max_length=10)
    fingerprint = models.CharField(max_length=64, default="", editable=False)
    """Of all that was asked for, by which an equal request is found."""
    school_id = models.BigIntegerField(null=True)
    """Whose turns it takes in the queue: the school it is about, if that is one alone."""
    queue = models.CharField(max_length=40)
    time_limit = models.DurationField()
    """For one attempt, as its kind had it when it was asked for."""
    expected_duration = models.DurationField(null=True)
    """In what time its like were made that were made soon, when it was asked for."""
    request_id = models.CharField(max_length=64, blank=True)
    """Of the request that asked for it, for the lines of whoever makes it."""
    retention = models.DurationField()
    """After its end, likewise."""
    scope = models.JSONField()
    """By which role and attachments the requester sees what the report shows."""
    access_version = models.IntegerField()
    """The requester's stamp when that was last found to be so."""

    state = models.CharField(max_length=9, default=State.QUEUED)
    version = models.IntegerField(default=1)
    """Raised by every move, so that an older document never replaces a newer one."""
    projected_version = models.IntegerField(default=0)
    """The version whose document was last seen to reach Redis."""
    attempt = models.SmallIntegerField(default=0)
    fence = models.IntegerField(default=0)
    """Raised by every claim; who holds an older one has lost the task."""
    lease_until = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True)
    """When the running attempt has used up its kind's time limit."""
    published_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)

    stage = models.CharField(max_length=20, default="queued")
    progress_done = models.IntegerField(default=0)
    progress_total = models.IntegerField(null=True)

    result = models.JSONField(null=True)
    artifact = models.CharField(max_length=100, blank=True)
    error = models.JSONField(null=True)

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    is_erased = models.BooleanField(default=False)
    """Whether that time has come: parameters, result and file are gone."""

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
            # What the dispatcher looks at every second, kept small by its condition.
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
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


class IdempotencyKey(models.Model):
    """A key under which a client asked, so that asking again gives the same task."""

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    task_id = models.UUIDField()
    """Not a foreign key: a task that was erased is still the answer."""
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
    """That a task was, and whose, after its row was purged: nothing of what was in it."""

    id = models.UUIDField(primary_key=True, editable=False)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    purged_at = models.DateTimeField()
    is_cleared = models.BooleanField(default=False)
    """Whether its file and its document in Redis are known to be gone, too."""

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
    """Who asked for, downloaded or deleted which report: written once, never changed."""

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
        return f"{self.created_at:%Y-%m-%d %H:%M} {self.action} {self.task_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("An access entry is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("An access entry is never deleted.")
