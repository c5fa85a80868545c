"""What can be wrong with a request for a report, or with making one."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

if TYPE_CHECKING:
    from tasks.models import Task


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with a request, and where in its body."""

    pointer: str
    code: str
    detail: str


class InvalidRequest(Exception):
    """The request as it stands cannot become a task."""

    def __init__(self, *field_errors: FieldError) -> None:
        super().__init__(
            "; ".join(f"{error.pointer}: {error.detail}" for error in field_errors)
        )
        self.field_errors = field_errors


class RoleNotAllowed(Exception):
    """The kind of report is not offered to the viewer's role."""


class IdempotencyKeyConflict(Exception):
    """The idempotency key was given with another request before."""


@dataclass(frozen=True)
class Load:
    """What there is already where no more is taken."""

    own_queued: int
    own_running: int
    queue_length: int
    """All that waits in the queue, of all requesters."""
    limit: int
    retry_after: int
    """Seconds after which there may be room again."""


class LimitExceeded(Exception):
    """No more is taken for now; `code` is part of the contract."""

    code: ClassVar[str]

    def __init__(self, load: Load) -> None:
        super().__init__(f"The limit is {load.limit}.")
        self.load = load


class TooManyActive(LimitExceeded):
    """The requester has as many tasks queued and running as one may have."""

    code = "too_many_active"


class QueueFull(LimitExceeded):
    """As many tasks wait in the queue as may."""

    code = "queue_full"


class InactiveUser(Exception):
    """Whoever asks was disabled or deleted since they logged in."""


class TaskNotFound(Exception):
    """There is no such task, or it is not the viewer's: nobody is told which."""


class TaskFinished(Exception):
    """The task is final, so that what was asked of it cannot be done."""

    def __init__(self, task: "Task") -> None:
        super().__init__()
        self.task = task


class TaskPurged(Exception):
    """The task was the viewer's, and all of it was erased."""

    def __init__(self) -> None:
        super().__init__(_("All that the task held was erased."))


class TaskNotFinished(Exception):
    """The task is not final, so that what was asked of it cannot be done yet."""

    def __init__(self, task: "Task") -> None:
        super().__init__()
        self.task = task


class ResultUnavailable(Exception):
    """The task has no artifact to fetch: it is unfinished, or ended without one."""

    def __init__(self, task: "Task") -> None:
        super().__init__()
        self.task = task


class ResultExpired(Exception):
    """The task's result was erased when its time was over."""


class ReportFailed(Exception):
    """Making the report ended; `code` is part of the contract."""

    code: ClassVar[str]
    title: ClassVar[Promise] = _("The report could not be made")
    detail: ClassVar[Promise]
    advice: ClassVar[Promise]
    """What its requester can do, for the page about failures of this code."""

    def to_json(self, language: str) -> dict[str, str]:
        """What the row keeps of it."""
        with override(language):
            return {"code": self.code, "detail": str(self) or str(self.detail)}


class InternalFailure(ReportFailed):
    """A fault of ours: the client is told where the log tells of it, and no more."""

    code = "internal"
    title = _("A fault of ours")
    detail = _("The report could not be made because of a fault of ours.")
    advice = _("Ask for it again. If it fails again, report it with the `reference`.")

    def __init__(self) -> None:
        super().__init__()
        self.reference = uuid.uuid4().hex[:12]

    def to_json(self, language: str) -> dict[str, str]:
        return {**super().to_json(language), "reference": self.reference}


class TimedOut(ReportFailed):
    code = "timeout"
    title = _("The report took too long")
    detail = _("The report took longer than its kind may take.")
    advice = _("Ask for less at once: one class instead of a school, or one year.")


class OutOfMemory(ReportFailed):
    code = "memory_limit"
    title = _("The report needed too much memory")
    detail = _("The report needed more memory than a report may take.")
    advice = _("Ask for less at once: one class instead of a school, or one year.")


class WorkerLost(ReportFailed):
    code = "worker_lost"
    title = _("The report was interrupted too often")
    detail = _("The workers that made the report were lost each time it was tried.")
    advice = _("Ask for it again. If it fails again, tell whoever runs the service.")


class AccessRevoked(ReportFailed):
    code = "forbidden"
    title = _("No longer yours to see")
    detail = _("The requester may no longer see what the report would show.")
    advice = _("Ask whoever manages the users of your school which classes are yours.")


class DataError(ReportFailed):
    """Something recorded cannot be right; say where by number, never by a name."""

    code = "data_error"
    title = _("The records cannot be right")
    detail = _("The records hold something the report cannot be made of.")
    advice = _("Correct the record that `detail` names; then ask for the report again.")

    def __init__(self, detail: str | Promise) -> None:
        super().__init__(detail)


FAILURES: dict[str, type[ReportFailed]] = {
    failure.code: failure
    for failure in (
        TimedOut,
        WorkerLost,
        OutOfMemory,
        DataError,
        AccessRevoked,
        InternalFailure,
    )
}
"""Every way in which making a report ends without one."""


class Canceled(Exception):
    """The task was asked to end while its report was being made."""


class LeaseLost(Exception):
    """Another worker has the task by now: nothing of this one counts any more."""
