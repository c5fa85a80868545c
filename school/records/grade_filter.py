"""Which grades count: of terms that the year has, and that began before the student left."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property

from django.db.models import Q, QuerySet

from school.models import Enrolment
from school.records.calendar import Frame

Enrolments = QuerySet[Enrolment]


class Usable:
    """Of some enrolments; `courses` are all their school years and grade levels."""

    def __init__(
        self, frame: Frame, enrolments: Enrolments, courses: Iterable[tuple[int, int]]
    ) -> None:
        self._frame = frame
        self._enrolments = enrolments
        self._courses = list(courses)

    @cached_property
    def terms(self) -> int | None:
        """How many terms all of their years have; None where it is not the same."""
        only = self._of_length.keys()
        return next(iter(only)) if len(only) == 1 else None

    @property
    def beyond(self) -> Q:
        """Grades of terms that their year does not have."""
        if self.terms is not None:  # nearly always: then no grade is looked up
            return Q(term__gt=self.terms)
        return _any(
            Q(term__gt=terms, enrolment__in=self._enrolments.filter(of_course))
            for terms, of_course in self._of_length.items()
        )

    @property
    def left(self) -> Enrolments:
        """Those of whom a grade may be late. They are few: a list to look through."""
        return self._enrolments.filter(exit_date__isnull=False)

    @property
    def late(self) -> Q:
        """Grades of terms that began when the student had left."""
        most = max(self._of_length, default=0)
        # The first condition is for speed: it is all that most grades are asked for.
        return Q(enrolment__in=self.left) & _any(
            Q(term=number, enrolment__in=self.left.filter(had_left))
            for number, had_left in self._had_left.items()
            if number <= most
        )

    @cached_property
    def _of_length(self) -> Mapping[int, Q]:
        """Whose years have so many terms."""
        courses: dict[int, Q] = defaultdict(Q)
        for year, level in self._courses:
            course = Q(school_class__school_year=year, grade_level=level)
            courses[self._frame.terms(year, level)] |= course
        return courses

    @property
    def _had_left(self) -> Mapping[int, Q]:
        """Who had left when the term of that number began."""
        left: dict[int, Q] = defaultdict(Q)
        for year in {year for year, _level in self._courses}:
            for number, start in self._frame.starts(year).items():
                left[number] |= _left_by(year, start)
        return left


def _left_by(year: int, day: date) -> Q:
    return Q(school_class__school_year=year, exit_date__lte=day)


def _any(conditions: Iterable[Q]) -> Q:
    """True where one of them is; without any, nowhere."""
    either = Q(pk__in=[])
    for condition in conditions:
        either |= condition
    return either
