"""What a document says of itself: of which school, for whom, and when."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from school.access import visible_enrolments
from school.models import Crest, Enrolment, School, User
from tasks.models import Task
from tasks.reports.base import Report
from tasks.tables.table import About


def about(task: Task, report: Report[Any], viewer: User, as_of: datetime) -> About:
    """In one query, unless it is about nobody: then it is of the viewer's own schools.

    Times are those of the schools, to the minute, as they are printed: what is asked for twice
    in one, of the same data, is the same file.
    """
    found = _schools(report.enrolments) or _schools(visible_enrolments(viewer))
    only = found[0] if len(found) == 1 else None
    return About(
        network=found[0].network.name if found else "",
        school=only.name if only else "",
        inep_code=only.inep_code if only else "",
        address=only.full_address if only else "",
        asked_by=viewer.get_full_name() or viewer.get_username(),
        issued_at=_minute(task.created_at),
        data_as_of=_minute(as_of),
        rules=report.rules(),
        crest=partial(Crest.of, found),
    )


def _schools(enrolments: QuerySet[Enrolment]) -> list[School]:
    """Two of theirs at most: more of them are many."""
    classes = enrolments.order_by().values("school_class")
    schools = School.objects.filter(classes__in=classes).select_related("network")
    return list(schools.distinct().order_by("sort_key", "pk")[:2])


def _minute(moment: datetime) -> datetime:
    return timezone.localtime(moment).replace(second=0, microsecond=0)
