"""Sessions of the API and their refresh tokens; only ids and times are stored, no token."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from school.models.people import User


class Session(models.Model):
    """A log-in at the API, and all tokens that descend from it."""

    class EndReason(models.TextChoices):
        LOGGED_OUT = "logged_out"
        TOKEN_REUSED = "token_reused"  # noqa: S105  (no password)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    generation = models.IntegerField()
    """The user's `session_generation` at the log-in; the session ends when that rises."""
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    """End of the longest life, which no refresh extends."""
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=12, choices=EndReason, blank=True)

    def __str__(self) -> str:
        return f"{self.user}: {timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"


class RefreshToken(models.Model):
    """Ids and times of a refresh token, from which the token can be signed again.

    Used tokens are deleted at the next refresh a minute or more after their use.
    """

    jti = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(Session, models.CASCADE, related_name="refresh_tokens")
    key_id = models.CharField(max_length=16)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    rotated_at = models.DateTimeField(null=True)
    successor_jti = models.UUIDField(null=True)
    """The token that replaced this one at `rotated_at`."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(rotated_at=None),
                name="session_has_one_live_token",
            )
        ]

    def __str__(self) -> str:
        return str(self.jti)
