"""Validation of a report request: the unsaved task that it becomes, or an error."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from school.models import Role, User
from tasks import access_log
from tasks.errors import FieldError, InvalidRequest, RoleNotAllowed
from tasks.models import Task
from tasks.reporting import about, registry
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report
from tasks.reporting.selection import Selection
from tasks.scheduling import durations
from tasks.submission.defaults import ViewerDefaults, require_alternative

BULK_THRESHOLD = 1000
"""A request of several schools goes to the bulk queue beyond this number of enrolments."""


@dataclass(frozen=True)
class ReportRequest:
    """A report request as the client sent it, before validation."""

    kind: str
    parameters: Any
    format: str
    language: str
    idempotency_key: str = ""
    """The `Idempotency-Key` of the request; empty without one."""
    label: str = ""
    """The client's own name for the task."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The client's own data of the task."""

    def fingerprint(self, parameters: Any) -> str:
        """Return the SHA-256 of the request with these parameters; equal requests share it."""
        parts: list[Any] = [self.kind, parameters, self.format, self.language]
        if self.label or self.metadata:
            parts += [self.label, self.metadata]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def build_task(viewer: User, request: ReportRequest) -> Task:
    """Build the unsaved task of a valid request, without its times.

    Raises `InvalidRequest`, or `RoleNotAllowed` for a kind that the role may not request.
    """
    report_class = registry.get_report_class(request.kind)
    if Role(viewer.role) not in report_class.allowed_roles:
        detail = _("The report “{report}” is not offered to your role.")
        raise RoleNotAllowed(detail.format(report=request.kind))
    if request.format not in report_class.formats:
        detail = _("The report “{report}” comes as: {formats}.").format(
            report=request.kind, formats=", ".join(report_class.formats)
        )
        raise InvalidRequest(FieldError("/format", "unknown_format", detail))
    values = ViewerDefaults(viewer).apply(
        report_class.parameters_model(), request.parameters
    )
    selection = report_class.select(viewer, values)
    require_alternative(selection.parameters)
    records = selection.named_records(with_scope=True)
    parameters = selection.parameters.model_dump(mode="json", exclude_none=True)
    queue = _choose_queue(report_class, selection)
    return Task(
        requester=viewer,
        kind=request.kind,
        **_names(report_class, selection.parameters, records, request.language),
        label=request.label,
        metadata=request.metadata,
        parameters=parameters,
        format=request.format,
        language=request.language,
        fingerprint=request.fingerprint(parameters),
        school_id=selection.school_id,
        queue=queue,
        time_limit=report_class.time_limit,
        expected_duration=durations.optimistic_duration(
            queue, request.kind, parameters
        ),
        request_id=access_log.current_request_id(),
        progress_unit=report_class.progress_unit,
        retention=report_class.retention or settings.ARTIFACT_TTL,
        scope=selection.scope.to_json(),
        access_version=viewer.access_version,
    )


def _names(
    report_class: type[Report[Any]],
    parameters: ReportParameters,
    records: Mapping[str, Any],
    language: str,
) -> dict[str, str]:
    """Return the title and the line of the task, in its language."""
    with override(language):
        return {
            "title": str(report_class.title),
            "about": about.describe(parameters, records),
        }


def _choose_queue(
    report_class: type[Report[Any]], selection: Selection[ReportParameters]
) -> str:
    """Choose the queue; enrolments are counted only for requests of several schools."""
    if (
        report_class.bulk_queue
        and selection.school_id is None
        and selection.enrolments.order_by()[BULK_THRESHOLD:].exists()
    ):
        return report_class.bulk_queue
    return report_class.queue
