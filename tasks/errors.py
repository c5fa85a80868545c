"""Errors of requests: raised below the API, which maps each class to a problem code."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext_lazy as _

from tasks.states import ExpiryReason

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


class LimitExceeded(Exception):
    """A limit was hit; `code` is part of the API contract."""

    code: ClassVar[str]

    def __init__(self, *, retry_after: int, **members: dict[str, int]) -> None:
        super().__init__(f"{self.code}: {members}")
        self.retry_after = retry_after
        """Seconds after which a new request may succeed."""
        self.members: dict[str, Any] = members
        """Numbers of the limit, as members of the problem document."""


class TooManyActive(LimitExceeded):
    """The requester has the maximum number of queued and running tasks."""

    code = "too_many_active"


class QueueFull(LimitExceeded):
    """The queue has the maximum number of queued tasks."""

    code = "queue_full"


class TooManyResults(LimitExceeded):
    """The requester's stored results have the maximum size."""

    code = "too_many_results"


class DiskNearlyFull(Exception):
    """The artifact volume has too little free space to accept reports."""


class InactiveUser(Exception):
    """The token's user was disabled or deleted."""


class SecondFactorRequired(Exception):
    """A network demands a second factor of the user, who has none."""


class PasswordChangeRequired(Exception):
    """The user must choose a password before anything else."""


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


class RequestErased(Exception):
    """The parameters of the task were erased, so its request cannot be repeated."""


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
    """The task's result was erased, for an `ExpiryReason` if the row says one."""

    _DETAILS: ClassVar = {
        ExpiryReason.RETENTION: _("The result was erased at the end of its retention."),
        ExpiryReason.STORAGE_LIMIT: _(
            "The result was downloaded and then erased, because your results took too much space."
        ),
        ExpiryReason.FILE_LOST: _("The file of the result was lost."),
    }

    def __init__(self, reason: str = "") -> None:
        super().__init__(self._DETAILS[ExpiryReason(reason)] if reason else "")
        self.members = {"expiry_reason": reason} if reason else {}
