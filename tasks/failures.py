"""Failures of a task: the ways in which building a report ends without a result."""

import uuid
from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override


class ReportFailed(Exception):
    """The report failed; `code` is part of the API contract."""

    code: ClassVar[str]
    title: ClassVar[Promise] = _("The report could not be made")
    detail: ClassVar[Promise]
    advice: ClassVar[Promise]
    """Advice to the requester, shown on the page of this code."""

    def to_json(self, language: str) -> dict[str, str]:
        """Return the failure as the row stores it, in the task's language."""
        with override(language):
            return {"code": self.code, "detail": str(self) or str(self.detail)}


class InternalFailure(ReportFailed):
    """An unexpected error: the client gets a reference into the log and no detail."""

    code = "internal"
    title = _("Internal error")
    detail = _("The report could not be made because of an internal error.")
    advice = _("Request it again. If it fails again, report it with the `reference`.")

    def __init__(self) -> None:
        super().__init__()
        self.reference = uuid.uuid4().hex[:12]

    def to_json(self, language: str) -> dict[str, str]:
        return {**super().to_json(language), "reference": self.reference}


class TimedOut(ReportFailed):
    code = "timeout"
    title = _("The report took too long")
    detail = _("The report took longer than its kind may take.")
    advice = _("Request less at once: one class instead of a school, or one year.")


class OutOfMemory(ReportFailed):
    code = "memory_limit"
    title = _("The report needed too much memory")
    detail = _("The report needed more memory than a report may take.")
    advice = _("Request less at once: one class instead of a school, or one year.")


class WorkerLost(ReportFailed):
    code = "worker_lost"
    title = _("The report was interrupted too often")
    detail = _("The workers that made the report were lost each time it was tried.")
    advice = _(
        "Request it again. If it fails again, contact the operator of the service."
    )


class StorageFull(ReportFailed):
    code = "storage_full"
    title = _("Your results take too much space")
    detail = _(
        "The results that the requester keeps take the space that one user may use."
    )
    advice = _("Download your results or delete them; then request the report again.")


class AccessRevoked(ReportFailed):
    code = "forbidden"
    title = _("Access revoked")
    detail = _("The requester may no longer see what the report would show.")
    advice = _("Ask the person who manages the users of your school for access.")


class DataError(ReportFailed):
    """The records are inconsistent; `detail` names a record by its id, never by a name."""

    code = "data_error"
    title = _("Inconsistent records")
    detail = _("The records contain data that the report cannot be made from.")
    advice = _("Correct the record that `detail` names; then request the report again.")

    def __init__(self, detail: str | Promise) -> None:
        super().__init__(detail)


FAILURES: dict[str, type[ReportFailed]] = {
    failure.code: failure
    for failure in (
        TimedOut,
        WorkerLost,
        OutOfMemory,
        StorageFull,
        DataError,
        AccessRevoked,
        InternalFailure,
    )
}
"""Failure classes by their code."""


class Canceled(Exception):
    """The task was canceled while its report was being built."""


class LeaseLost(Exception):
    """The attempt no longer holds the task's lease, so it must not write anything."""
