"""Errors of requests: raised below the API, which maps each class to a problem code."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from tasks.models import Task


@dataclass(frozen=True)
class FieldError:
    """One invalid field of a request, with a JSON Pointer to it."""

    pointer: str
    code: str
    detail: str


class InvalidRequest(Exception):
    """The request is invalid; `field_errors` says where."""

    def __init__(self, *field_errors: FieldError) -> None:
        super().__init__(
            "; ".join(f"{error.pointer}: {error.detail}" for error in field_errors)
        )
        self.field_errors = field_errors


class RoleNotAllowed(Exception):
    """The viewer's role may not request this kind of report."""


class IdempotencyKeyConflict(Exception):
    """The idempotency key belongs to another request."""


@dataclass(frozen=True)
class Load:
    """Numbers of active tasks at the moment a limit was hit."""

    own_queued: int
    own_running: int
    queue_length: int
    """Queued tasks of all requesters in the queue."""
    limit: int
    retry_after: int
    """Seconds after which a new request may succeed."""


class LimitExceeded(Exception):
    """A limit was hit; `code` is part of the API contract."""

    code: ClassVar[str]

    def __init__(self, load: Load) -> None:
        super().__init__(f"The limit is {load.limit}.")
        self.load = load


class TooManyActive(LimitExceeded):
    """The requester has the maximum number of queued and running tasks."""

    code = "too_many_active"


class QueueFull(LimitExceeded):
    """The queue has the maximum number of queued tasks."""

    code = "queue_full"


class InactiveUser(Exception):
    """The token's user was disabled or deleted."""


class TaskNotFound(Exception):
    """The task does not exist or belongs to another user; the answer is the same."""


class TaskFinished(Exception):
    """The task is final, so it cannot be canceled."""

    def __init__(self, task: "Task") -> None:
        super().__init__()
        self.task = task


class TaskPurged(Exception):
    """The viewer's task was purged."""

    def __init__(self) -> None:
        super().__init__(_("The data of the task was erased."))


class TaskNotFinished(Exception):
    """The task is not final, so it cannot be deleted."""

    def __init__(self, task: "Task") -> None:
        super().__init__()
        self.task = task


class ResultUnavailable(Exception):
    """The task has no artifact: it is not final, or it did not succeed."""

    def __init__(self, task: "Task") -> None:
        super().__init__()
        self.task = task


class ResultExpired(Exception):
    """The task's result was erased after its retention."""
