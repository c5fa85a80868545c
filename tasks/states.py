"""Task states and the allowed transitions between them."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


STATE_LABELS: dict[str, Promise] = {
    State.QUEUED: _("Queued"),
    State.RUNNING: _("Running"),
    State.SUCCEEDED: _("Ready"),
    State.FAILED: _("Failed"),
    State.CANCELED: _("Canceled"),
    State.EXPIRED: _("Expired"),
}


class ExpiryReason(StrEnum):
    """Reason why a result expired."""

    RETENTION = "retention"
    STORAGE_LIMIT = "storage_limit"
    FILE_LOST = "file_lost"


EXPIRY_LABELS: dict[str, Promise] = {
    ExpiryReason.RETENTION: _("The retention period is over"),
    ExpiryReason.STORAGE_LIMIT: _("Erased to make room for newer results"),
    ExpiryReason.FILE_LOST: _("The file was lost"),
}


TRANSITIONS = {
    #                  claimed        canceled        cannot be built
    State.QUEUED: {State.RUNNING, State.CANCELED, State.FAILED},
    # Back to queued when the worker is lost or releases the task at shutdown.
    State.RUNNING: {
        State.SUCCEEDED,
        State.FAILED,
        State.CANCELED,
        State.QUEUED,
    },
    State.SUCCEEDED: {State.EXPIRED},
    State.FAILED: set(),
    State.CANCELED: set(),
    State.EXPIRED: set(),
}

FINAL = {State.SUCCEEDED, State.FAILED, State.CANCELED, State.EXPIRED}

CELERY_STATES = {
    State.QUEUED: "PENDING",
    State.RUNNING: "STARTED",
    State.SUCCEEDED: "SUCCESS",
    State.FAILED: "FAILURE",
    State.CANCELED: "REVOKED",
    # An expired task has no document: Celery reports PENDING, as for any missing result.
    State.EXPIRED: "PENDING",
}

CELERY_FAILURES = {State.FAILED, State.CANCELED}
"""States whose result Celery can read only if it contains the keys of an exception."""


def states_before(to: State) -> list[State]:
    """Return the states with a transition to `to`."""
    return [state for state, targets in TRANSITIONS.items() if to in targets]
