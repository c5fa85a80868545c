"""What a client asks for, and whether it can become a task."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from school.access import expand, scope_of, visible_enrolments
from school.models import Enrolment, Role, User
from tasks import access_log
from tasks.errors import FieldError, InvalidRequest, RoleNotAllowed
from tasks.models import Task
from tasks.reporting import parameters, registry
from tasks.reporting.report import Report
from tasks.scheduling import durations

BULK_THRESHOLD = 1000
"""Enrolments of several schools: more of them than that are many."""


@dataclass(frozen=True)
class ReportRequest:
    """What a client asks for, before anything of it was looked at."""

    kind: str
    parameters: Any
    format: str
    language: str
    idempotency_key: str = ""
    """The client's own name for this request, if it gave one."""

    def fingerprint(self, parameters: Any) -> str:
        """Of the request with these parameters; equal ones have the same."""
        parts = [self.kind, parameters, self.format, self.language]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def build_task(viewer: User, request: ReportRequest) -> Task:
    """The task that the request would become, not saved; or raise why it cannot."""
    report_class = registry.get_report_class(request.kind)
    if Role(viewer.role) not in report_class.allowed_roles:
        detail = _("The report “{report}” is not offered to your role.")
        raise RoleNotAllowed(detail.format(report=request.kind))
    if request.format not in report_class.formats:
        detail = _("The report “{report}” comes as: {formats}.").format(
            report=request.kind, formats=", ".join(report_class.formats)
        )
        raise InvalidRequest(FieldError("/format", "unknown_format", detail))
    params = parameters.parse_parameters(
        report_class.parameters_model(), request.parameters
    )
    parameters.check_visible(params, viewer)
    enrolments = parameters.filter_enrolments(visible_enrolments(viewer), params)
    reachable = expand(viewer, enrolments, report_class.reach)
    canonical_parameters = params.model_dump(mode="json", exclude_unset=True)
    school_id = parameters.find_single_school_id(enrolments)
    queue = _choose_queue(report_class, enrolments, school_id)
    return Task(
        requester=viewer,
        kind=request.kind,
        parameters=canonical_parameters,
        format=request.format,
        language=request.language,
        fingerprint=request.fingerprint(canonical_parameters),
        school_id=school_id,
        queue=queue,
        time_limit=report_class.time_limit,
        expected_duration=durations.optimistic_duration(
            queue, request.kind, canonical_parameters
        ),
        request_id=access_log.current_request_id(),
        retention=report_class.retention or settings.ARTIFACT_TTL,
        scope=scope_of(viewer, reachable).to_json(),
        access_version=viewer.access_version,
        created_at=Now(),
    )


def _choose_queue(
    report_class: type[Report[Any]],
    enrolments: QuerySet[Enrolment],
    school_id: int | None,
) -> str:
    """Where it waits; only of several schools' students it is asked how many they are."""
    if (
        report_class.bulk_queue
        and school_id is None
        and enrolments.order_by()[BULK_THRESHOLD:].exists()
    ):
        return report_class.bulk_queue
    return report_class.queue
