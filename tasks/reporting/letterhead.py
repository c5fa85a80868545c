"""Letterhead of a report: the schools it covers, the viewer and the time of issue."""

from datetime import datetime, tzinfo
from functools import partial
from typing import Any

from django.db.models import QuerySet

from school import time_zones
from school.access import visible_schools
from school.models import Crest, School, User
from tasks.models import Task
from tasks.rendering.table import Letterhead
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report


def build_letterhead(
    task: Task,
    report: Report[Any],
    viewer: User,
    as_of: datetime,
    only_school_id: int | None = None,
) -> Letterhead:
    """Build the letterhead from the schools of the report's students.

    `only_school_id` is the school of all of them, if it is known. If the report has no
    student, the schools of its parameters are used. Times are in the
    zone of the schools and truncated to the minute, as printed: two requests in the same
    minute for the same data produce the same file.
    """
    if only_school_id is None:
        schools, first_and_last = _find_schools(report, viewer)
    else:  # its key is much faster to look up than the schools of all students
        schools = School.objects.filter(pk=only_school_id)
        first_and_last = list(schools.select_related("network"))
    only_school = first_and_last[0] if len(first_and_last) == 1 else None
    zone = _shared_zone(schools, only_school)
    networks = list(dict.fromkeys(school.network for school in first_and_last))
    return Letterhead(
        network=networks[0].name if len(networks) == 1 else "",
        school=only_school.name if only_school else "",
        inep_code=only_school.inep_code if only_school else "",
        address=only_school.full_address if only_school else "",
        requested_by=viewer.get_full_name() or viewer.get_username(),
        issued_at=_to_local_minute(task.created_at, zone),
        data_as_of=_to_local_minute(as_of, zone),
        rules=report.rules(),
        load_crest=partial(
            Crest.image_for, first_and_last if len(networks) == 1 else ()
        ),
    )


def _find_schools(
    report: Report[Any], viewer: User
) -> tuple[QuerySet[School], list[School]]:
    """Return the schools of the report's students, and the first and last of them."""
    classes = report.enrolments.order_by().values("school_class")
    schools = School.objects.filter(classes__in=classes)
    first_and_last = _first_and_last(schools)
    if not first_and_last:
        schools = _selected_schools(report.parameters, viewer)
        first_and_last = _first_and_last(schools)
    return schools, first_and_last


def _first_and_last(schools: QuerySet[School]) -> list[School]:
    """Return the first and last school by network: enough to detect several networks.

    The list has one element if there is only one school, and none if there is no school.
    """
    schools = schools.select_related("network").distinct().order_by("network", "pk")
    first_two = list(schools[:2])
    return first_two if len(first_two) < 2 else [first_two[0], *schools.reverse()[:1]]


def _selected_schools(parameters: ReportParameters, viewer: User) -> QuerySet[School]:
    """Return the school of the parameters, or all schools that the viewer may see."""
    schools = visible_schools(viewer)
    if class_id := getattr(parameters, "class_id", None):
        return schools.filter(classes=class_id)
    if class_ids := getattr(parameters, "class_ids", None):
        return schools.filter(classes__in=class_ids)
    if school_id := getattr(parameters, "school_id", None):
        return schools.filter(pk=school_id)
    return schools


def _shared_zone(schools: QuerySet[School], only_school: School | None) -> tzinfo:
    if only_school is not None:
        place = (only_school.time_zone, only_school.network.time_zone)
        return time_zones.shared_zone([place])
    places = schools.order_by().values_list("time_zone", "network__time_zone")
    return time_zones.shared_zone(places.distinct())


def _to_local_minute(timestamp: datetime, zone: tzinfo) -> datetime:
    return timestamp.astimezone(zone).replace(second=0, microsecond=0)
