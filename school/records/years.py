"""Students' years as reports list them, one after the other so that memory stays flat."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from django.db.models import QuerySet

from school.models import Enrolment, RuleVersion
from school.records import enrolment_rows
from school.records.calendar import Frame
from school.records.enrolment_record import records
from school.records.enrolment_rows import BY_CLASS
from school.records.student_year import LeftOut, StudentYear
from school.records.year_builder import Yearbook


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
        listed: QuerySet[Enrolment],
        seen: QuerySet[Enrolment],
        *,
        order: Sequence[str] = BY_CLASS,
        with_marks: bool = True,
    ) -> None:
        self._listed = listed
        self._seen = seen
        self._order = order
        self._with_marks = with_marks
        self._frame = Frame()
        self.left_out = LeftOut()

    @cached_property
    def terms(self) -> int:
        """The most terms that one of the years has."""
        return max((self._frame.terms(*course) for course in self._courses), default=0)

    @property
    def versions(self) -> list[RuleVersion]:
        """Those that judge one of the years."""
        found = {self._frame.rules(*course) for course in self._courses} - {None}
        return sorted(filter(None, found), key=str)

    def __iter__(self) -> Iterator[StudentYear]:
        earlier = enrolment_rows.earlier(self._listed, self._seen)
        yearbook = Yearbook(
            self._frame,
            {school_class for school_class, *_course in self._groups},
            records(earlier, with_marks=self._with_marks),
            self.terms,
            with_marks=self._with_marks,
        )
        listed = self._listed.order_by(*self._order)
        for record in records(listed, with_marks=self._with_marks):
            yield yearbook.year(record, self.left_out)

    @cached_property
    def _groups(self) -> list[tuple[int, int, int]]:
        return enrolment_rows.groups(self._listed)

    @property
    def _courses(self) -> set[tuple[int, int]]:
        return {(year, level) for _class, year, level in self._groups}
