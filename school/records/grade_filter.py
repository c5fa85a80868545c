"""Filters for grades that do not count, such as those of terms after the exit."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property

from django.db.models import Exists, OuterRef, Q, QuerySet

from school.models import Enrolment, Exemption
from school.records.calendar import AcademicCalendar

Enrolments = QuerySet[Enrolment]


class GradeFilter:
    """Grade filters for enrolments; `year_levels` lists all their (year, level) ids."""

    def __init__(
        self,
        calendar: AcademicCalendar,
        enrolments: Enrolments,
        year_levels: Iterable[tuple[int, int]],
    ) -> None:
        self._calendar = calendar
        self._enrolments = enrolments
        self._year_levels = list(year_levels)

    @cached_property
    def term_count(self) -> int | None:
        """Number of terms shared by all years; None if the years differ."""
        term_counts = self._conditions_by_term_count.keys()
        return next(iter(term_counts)) if len(term_counts) == 1 else None

    @property
    def outside_terms(self) -> Q:
        """Condition for grades of terms that their year does not have."""
        if self.term_count is not None:  # usual case: no enrolment subquery needed
            return Q(term__gt=self.term_count)
        return _any_of(
            Q(term__gt=terms, enrolment__in=self._enrolments.filter(condition))
            for terms, condition in self._conditions_by_term_count.items()
        )

    @property
    def enrolments_with_exit(self) -> Enrolments:
        """Ended enrolments: the only ones with grades after the exit, and few enough to scan."""
        return self._enrolments.filter(exit_date__isnull=False)

    @property
    def after_exit(self) -> Q:
        """Condition for grades of terms that began on or after the student's exit."""
        max_term = max(self._conditions_by_term_count, default=0)
        # The first condition is for speed: it alone rules out most grades.
        return Q(enrolment__in=self.enrolments_with_exit) & _any_of(
            Q(
                term=number,
                enrolment__in=self.enrolments_with_exit.filter(exit_condition),
            )
            for number, exit_condition in self._exit_conditions_by_term.items()
            if number <= max_term
        )

    @cached_property
    def in_other_form(self) -> Q | None:
        """Condition for numbers where the rules have given concepts or no grades."""
        conditions = Q()
        for year, level in self._year_levels:
            version = self._calendar.rule_version(year, level)
            if version and version.rules.assessment != "grades":
                conditions |= Q(school_class__school_year=year, grade_level=level)
        if not conditions:  # the usual case
            return None
        return Q(enrolment__in=self._enrolments.filter(conditions))

    @cached_property
    def exempt(self) -> Q | None:
        """Condition for grades of terms that the student is exempt from."""
        exemptions = Exemption.objects.filter(enrolment__in=self._enrolments)
        if not exemptions.exists():  # the usual case
            return None
        same_term = Q(term=None) | Q(term=OuterRef("term"))
        of_grade = Exemption.objects.filter(
            same_term, enrolment=OuterRef("enrolment"), offering=OuterRef("offering")
        )
        # The first condition is for speed: it alone rules out most grades.
        return Q(enrolment__in=exemptions.values("enrolment")) & Q(Exists(of_grade))

    @cached_property
    def _conditions_by_term_count(self) -> Mapping[int, Q]:
        """Enrolment conditions by the number of terms of the year."""
        conditions: dict[int, Q] = defaultdict(Q)
        for year, level in self._year_levels:
            condition = Q(school_class__school_year=year, grade_level=level)
            conditions[self._calendar.term_count(year, level)] |= condition
        return conditions

    @property
    def _exit_conditions_by_term(self) -> Mapping[int, Q]:
        """Enrolment conditions by term number, true if the student left before it began."""
        conditions: dict[int, Q] = defaultdict(Q)
        for year in {year for year, _level in self._year_levels}:
            for number, start in self._calendar.term_starts(year).items():
                conditions[number] |= _exited_by(year, start)
        return conditions


def _exited_by(year: int, day: date) -> Q:
    return Q(school_class__school_year=year, exit_date__lte=day)


def _any_of(conditions: Iterable[Q]) -> Q:
    """Combine the conditions with OR; without conditions nothing matches."""
    result = Q(pk__in=[])
    for condition in conditions:
        result |= condition
    return result
