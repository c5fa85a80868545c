"""Which grades count: of terms that the year has, and that began before the student left."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from django.db.models import Q, QuerySet

from school.models import Enrolment
from school.records.frame import Frame

Course = tuple[int, int]
"""A school year and a grade level."""


def beyond(
    frame: Frame, enrolments: QuerySet[Enrolment], courses: Iterable[Course]
) -> Q:
    """Grades of terms that their year does not have; `courses` are all of the enrolments."""
    of_length: dict[int, Q] = defaultdict(Q)
    for year, level in courses:
        course = Q(school_class__school_year=year, grade_level=level)
        of_length[frame.terms(year, level)] |= course
    if len(of_length) == 1:  # nearly always: then no grade is looked up
        return Q(term__gt=next(iter(of_length)))
    return _any(
        Q(term__gt=terms, enrolment__in=enrolments.filter(of_course))
        for terms, of_course in of_length.items()
    )


def late(frame: Frame, enrolments: QuerySet[Enrolment], years: Iterable[int]) -> Q:
    """Grades of terms that began when the student had left; `years` are all there are."""
    begun: dict[int, Q] = defaultdict(Q)
    for year in years:
        for number, start in frame.starts(year).items():
            begun[number] |= _left_by(year, start)
    left = enrolments.filter(exit_date__isnull=False)
    return _any(
        # Few have left, so that a list of them is looked through and not every enrolment.
        Q(term=number, enrolment__in=left.filter(had_left))
        for number, had_left in begun.items()
    )


def _left_by(year: int, day: date) -> Q:
    return Q(school_class__school_year=year, exit_date__lte=day)


def _any(conditions: Iterable[Q]) -> Q:
    """True where one of them is; without any, nowhere."""
    either = Q(pk__in=[])
    for condition in conditions:
        either |= condition
    return either
