"""Students' years as reports list them, one after the other so that memory stays flat."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from django.db.models import QuerySet

from school.models import Enrolment, RuleVersion
from school.records import enrolment_rows
from school.records.calendar import AcademicCalendar
from school.records.enrolment_record import iter_records
from school.records.enrolment_rows import ORDER_BY_CLASS
from school.records.student_year import SkippedRecords, StudentYear
from school.records.year_builder import YearBuilder


class StudentYears:
    """The years of the enrolments listed, in that order.

    `listed` is what is asked for, `seen` all that may be looked at for it: what came before
    an enrolment in the same year is part of it. Without marks no subject is in them, and
    their attendance alone is judged. Seven queries, however many they are; in memory is one
    year, and of all of them what is taught, the calendars that differ, and the
    enrolments that another goes on from: they are few.
    """

    def __init__(
        self,
        enrolments: QuerySet[Enrolment],
        reachable: QuerySet[Enrolment],
        *,
        order: Sequence[str] = ORDER_BY_CLASS,
        with_grades: bool = True,
    ) -> None:
        self._enrolments = enrolments
        self._reachable = reachable
        self._order = order
        self._with_grades = with_grades
        self._calendar = AcademicCalendar()
        self.skipped_records = SkippedRecords()

    @cached_property
    def term_count(self) -> int:
        """The most terms that one of the years has."""
        return max(
            (self._calendar.term_count(*course) for course in self._year_levels),
            default=0,
        )

    @property
    def rule_versions(self) -> list[RuleVersion]:
        """Those that judge one of the years."""
        versions = {
            self._calendar.rule_version(*course) for course in self._year_levels
        } - {None}
        return sorted(filter(None, versions), key=str)

    def __iter__(self) -> Iterator[StudentYear]:
        earlier = enrolment_rows.earlier_enrolments(self._enrolments, self._reachable)
        builder = YearBuilder(
            self._calendar,
            {school_class for school_class, *_course in self._class_year_levels},
            iter_records(earlier, with_grades=self._with_grades),
            self.term_count,
            with_grades=self._with_grades,
        )
        ordered_enrolments = self._enrolments.order_by(*self._order)
        for record in iter_records(ordered_enrolments, with_grades=self._with_grades):
            yield builder.build(record, self.skipped_records)

    @cached_property
    def _class_year_levels(self) -> list[tuple[int, int, int]]:
        return enrolment_rows.list_class_year_levels(self._enrolments)

    @property
    def _year_levels(self) -> set[tuple[int, int]]:
        return {(year, level) for _class, year, level in self._class_year_levels}
