"""What a client asks for, and whether it can become a task."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from school.access import reached, scope_of, visible_enrolments
from school.models import Enrolment, Role, User
from tasks import access_log
from tasks.errors import Flaw, NotForYourRole, RequestRefused
from tasks.models import Task
from tasks.reporting import parameters, registry
from tasks.reporting.report import Report
from tasks.scheduling import durations

MANY = 1000
"""Enrolments of several schools: more of them than that are many."""


@dataclass(frozen=True)
class ReportRequest:
    """What a client asks for, before anything of it was looked at."""

    kind: str
    parameters: Any
    format: str
    language: str
    key: str = ""
    """The client's own name for this request, if it gave one."""

    def fingerprint(self, parameters: Any) -> str:
        """Of the request with these parameters; equal ones have the same."""
        parts = [self.kind, parameters, self.format, self.language]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def check(viewer: User, wanted: ReportRequest) -> Task:
    """The task that the request would become, not saved; or raise why it cannot."""
    report = registry.report(wanted.kind)
    if Role(viewer.role) not in report.audience:
        detail = _("The report “{report}” is not offered to your role.")
        raise NotForYourRole(detail.format(report=wanted.kind))
    if wanted.format not in report.formats:
        detail = _("The report “{report}” comes as: {formats}.").format(
            report=wanted.kind, formats=", ".join(report.formats)
        )
        raise RequestRefused(Flaw("/format", "unknown_format", detail))
    given = parameters.parse(report.parameters_model(), wanted.parameters)
    parameters.check_visible(given, viewer)
    asked = parameters.narrow(visible_enrolments(viewer), given)
    seen = reached(viewer, asked, report.reach)
    normal = given.model_dump(mode="json", exclude_unset=True)
    school = parameters.school_of(asked)
    queue = _queue(report, asked, school)
    return Task(
        requester=viewer,
        kind=wanted.kind,
        parameters=normal,
        format=wanted.format,
        language=wanted.language,
        fingerprint=wanted.fingerprint(normal),
        school_id=school,
        queue=queue,
        time_limit=report.time_limit,
        soonest=durations.soonest(queue, wanted.kind, normal),
        request_id=access_log.request_id(),
        retention=report.retention or settings.ARTIFACT_TTL,
        scope=scope_of(viewer, seen).to_json(),
        stamp=viewer.stamp,
        created_at=Now(),
    )


def _queue(
    report: type[Report[Any]], asked: QuerySet[Enrolment], school: int | None
) -> str:
    """Where it waits; only of several schools' students it is asked how many they are."""
    if report.queue_of_many and school is None and asked.order_by()[MANY:].exists():
        return report.queue_of_many
    return report.queue
