"""What a document says of itself: of which school, for whom, and when."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from school.access import visible_schools
from school.models import Crest, School, User
from tasks.models import Task
from tasks.rendering.table import About
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report


def about(task: Task, report: Report[Any], viewer: User, as_of: datetime) -> About:
    """Of the schools of who is in it, or of nobody, of what was asked for.

    Times are those of the schools, to the minute, as they are printed: what is asked for twice
    in one, of the same data, is the same file.
    """
    classes = report.enrolments.order_by().values("school_class")
    schools = School.objects.filter(classes__in=classes)
    found = _two(schools) or _two(_asked_for(report.parameters, viewer))
    networks = list(dict.fromkeys(school.network for school in found))
    only = found[0] if len(found) == 1 else None
    return About(
        network=networks[0].name if len(networks) == 1 else "",
        school=only.name if only else "",
        inep_code=only.inep_code if only else "",
        address=only.full_address if only else "",
        asked_by=viewer.get_full_name() or viewer.get_username(),
        issued_at=_minute(task.created_at),
        data_as_of=_minute(as_of),
        rules=report.rules(),
        crest=partial(Crest.of, found if len(networks) == 1 else ()),
    )


def _two(schools: QuerySet[School]) -> list[School]:
    """The first and the last, which are of two networks if any two are; of one, the one."""
    schools = schools.select_related("network").distinct().order_by("network", "pk")
    found = list(schools[:2])
    return found if len(found) < 2 else [found[0], *schools.reverse()[:1]]


def _asked_for(parameters: ReportParameters, viewer: User) -> QuerySet[School]:
    """Of what nobody is enrolled in: the school that was named, or else all the viewer's."""
    schools = visible_schools(viewer)
    if class_id := getattr(parameters, "class_id", None):
        return schools.filter(classes=class_id)
    if school_id := getattr(parameters, "school_id", None):
        return schools.filter(pk=school_id)
    return schools


def _minute(moment: datetime) -> datetime:
    return timezone.localtime(moment).replace(second=0, microsecond=0)
