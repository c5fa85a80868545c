"""Stream of students' years for reports, in constant memory."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from django.db.models import QuerySet

from school import year_members
from school.grading.attendance import DatedWindow
from school.models import Enrolment, RuleVersion, SchoolClass
from school.records import enrolment_rows
from school.records.calendar import AcademicCalendar
from school.records.enrolment_record import EnrolmentRecord, iter_records
from school.records.enrolment_rows import ORDER_BY_CLASS
from school.records.student_year import SkippedRecords, StudentYear
from school.records.year_builder import SharedYears, YearBuilder


class StudentYears:
    """Iterable of the years of `enrolments`, in the given order.

    `reachable` limits the other enrolments of the same years that may be included.
    Without grades the years have no subjects and only attendance is evaluated.

    The number of queries is constant (ten). Memory holds one year at a time, plus the
    curricula, the distinct lesson calendars, and the enrolments that share a year with
    another one, which are few.
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
        """Highest number of terms of any year."""
        return max(
            (self._calendar.term_count(*key) for key in self._year_levels),
            default=0,
        )

    @property
    def year_levels_without_grades(self) -> list[tuple[int, int]]:
        """Ids of the (school year, grade level) whose rules have no grades."""
        versions = {key: self._calendar.rule_version(*key) for key in self._year_levels}
        return [
            key
            for key, version in versions.items()
            if version and version.rules.assessment == "none"
        ]

    @property
    def rule_versions(self) -> list[RuleVersion]:
        """Rule versions that decide at least one of the years, sorted by name."""
        judged = {
            (year, level)
            for _class, kind, year, level in self._classes
            if kind == SchoolClass.Kind.REGULAR
        }
        versions = {self._calendar.rule_version(*key) for key in judged}
        return sorted(filter(None, versions), key=str)

    @property
    def benefit_windows(self) -> set[DatedWindow]:
        """Windows of the Bolsa Família programme in the school years of the enrolments."""
        year_ids = {year for year, _level in self._year_levels}
        return {w for id in year_ids for w in self._calendar.benefit_windows(id)}

    def __iter__(self) -> Iterator[StudentYear]:
        others = year_members.other_members(self._enrolments, self._reachable)
        builder = YearBuilder(
            self._calendar,
            {class_id for class_id, *_ in self._classes},
            SharedYears(
                self._iter_records(others.order_by("pk")),
                dict(year_members.list_continued(self._enrolments)),
            ),
            self.term_count,
            with_grades=self._with_grades,
        )
        ordered_enrolments = self._enrolments.order_by(*self._order)
        for record in self._iter_records(ordered_enrolments):
            yield builder.build(record, self.skipped_records)

    def _iter_records(
        self, enrolments: QuerySet[Enrolment]
    ) -> Iterator[EnrolmentRecord]:
        rules = [version.rules for version in self.rule_versions]
        return iter_records(
            enrolments,
            with_grades=self._with_grades,
            with_concepts=any(r.assessment == "concepts" for r in rules),
            with_term_recoveries=any(r.term_recovery != "none" for r in rules),
        )

    @cached_property
    def _classes(self) -> list[tuple[int, str, int, int]]:
        return enrolment_rows.list_classes_with_levels(self._enrolments)

    @property
    def _year_levels(self) -> set[tuple[int, int]]:
        return {(year, level) for _class, _kind, year, level in self._classes}
