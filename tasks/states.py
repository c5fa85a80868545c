"""The states of a task, and every move there is."""

from enum import StrEnum


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


TRANSITIONS = {
    #                  claimed        canceled        cannot be made
    State.QUEUED: {State.RUNNING, State.CANCELED, State.FAILED},
    # Back to queued when the worker was lost, or handed the task over.
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
    # An expired task has no document: Celery says PENDING, as of any result that is gone.
    State.EXPIRED: "PENDING",
}

CELERY_FAILURES = {State.FAILED, State.CANCELED}
"""Where Celery will read a result only with the keys of an exception in it."""


def states_before(to: State) -> list[State]:
    """The states from which `to` may be reached."""
    return [state for state, targets in TRANSITIONS.items() if to in targets]
