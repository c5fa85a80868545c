"""The days of one pupil's year: given, missed, and what the rules make of them."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from math import floor

from school import models as m
from school.grading.rules import Rules

WINDOWS = {
    "feb_mar": (2, 3), "apr_may": (4, 5), "jun_jul": (6, 7), "aug_sep": (8, 9),
    "oct_nov": (10, 11),
}  # fmt: skip


@dataclass
class Days:
    chain: list[m.Enrolment]
    """The newest first."""
    sessions: dict[int, list[m.ClassSession]]
    """By class."""
    absences: dict[int, list[m.Absence]]
    """By enrolment."""
    rules: Rules | None

    @cached_property
    def given(self) -> int:
        return sum(len(self._days_of(e)) for e in self.chain)

    @cached_property
    def missed(self) -> list[m.Absence]:
        return [
            absence
            for e in self.chain
            for absence in self.absences.get(e.pk, [])
            if _within(e, absence.session.date)
        ]

    @cached_property
    def absent(self) -> int:
        return len(self.missed)

    @property
    def justified(self) -> int:
        return sum(absence.is_justified for absence in self.missed)

    @property
    def out_of_place(self) -> list[m.Absence]:
        """On days when the pupil was not there to be missed."""
        return [
            absence
            for e in self.chain
            for absence in self.absences.get(e.pk, [])
            if not _within(e, absence.session.date)
        ]

    def absent_in(self, term: int) -> int:
        return sum(absence.session.term == term for absence in self.missed)

    @cached_property
    def planned(self) -> int | None:
        if self.rules is None:
            return None
        e, earlier = self.chain[0], self.chain[1:]
        own = self.sessions.get(e.school_class_id, [])
        outside = sum(not _within(e, session.date) for session in own)
        outside -= sum(len(self._days_of(one)) for one in earlier)
        return max(self.given, self.rules.year_days - max(outside, 0))

    @property
    def percent(self) -> Fraction | None:
        """Of the days given, or of those planned where the rules say so."""
        by_plan = self.rules is not None and self.rules.attendance_base == "planned"
        base = self.planned if by_plan else self.given
        return Fraction(100 * (base - self.absent), base) if self.given else None

    @property
    def minimum(self) -> Fraction | None:
        return Fraction(self.rules.minimum_attendance) if self.rules else None

    @property
    def is_enough(self) -> bool | None:
        if self.rules is None or self.percent is None:
            return None
        return self.percent >= self.minimum

    @property
    def left(self) -> int | None:
        """How many more days may be missed."""
        if self.rules is None:
            return None
        allowed = floor(self.planned * (100 - self.minimum) / 100)
        return allowed - self.absent

    @property
    def is_for_council(self) -> bool | None:
        """None where no day was given: of nothing there is no verdict."""
        if self.rules is None or not self.given:
            return None
        return 100 * self.absent > Fraction(self.rules.council_absences) * self.planned

    def in_window(self, months: tuple[int, int]) -> Fraction | None:
        """Attendance in these two months of the calendar year, in percent."""
        year = self.chain[0].school_class.school_year.year
        within = [
            s
            for e in self.chain
            for s in self._days_of(e)
            if s.date.year == year and s.date.month in months
        ]
        missed = [
            a
            for a in self.missed
            if a.session.date.year == year and a.session.date.month in months
        ]
        given = len(within)
        return Fraction(100 * (given - len(missed)), given) if given else None

    def benefit_minimum(self, months: tuple[int, int]) -> Fraction | None:
        """What the benefit asks of a pupil of this age; None where it asks nothing."""
        first = date(self.chain[0].school_class.school_year.year, months[0], 1)
        born = self.chain[0].student.birth_date
        had_birthday = (first.month, first.day) >= (born.month, born.day)
        age = first.year - born.year - (not had_birthday)
        if age in (4, 5):
            return Fraction(60)
        return Fraction(75) if 6 <= age <= 17 else None

    def _days_of(self, e: m.Enrolment) -> list[m.ClassSession]:
        own = self.sessions.get(e.school_class_id, [])
        return [session for session in own if _within(e, session.date)]


def _within(e: m.Enrolment, day: date) -> bool:
    return e.entry_date <= day and (e.exit_date is None or day < e.exit_date)
