"""Days of one student's year: lessons, absences, and judgements by the rules."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

from school import models as m
from tests.support.oracle import grading

WINDOWS = {
    "feb_mar": (2, 3), "apr_may": (4, 5), "jun_jul": (6, 7), "aug_sep": (8, 9),
    "oct_nov": (10, 11),
}  # fmt: skip


@dataclass
class Days:
    chain: list[m.Enrolment]
    """Enrolments, newest first."""
    sessions: dict[int, list[m.ClassSession]]
    """Lessons by class id."""
    absences: dict[int, list[m.Absence]]
    """Absences by enrolment id."""
    rules: grading.RulesJson | None

    @cached_property
    def lesson_days(self) -> int:
        return sum(len(self._sessions_of(e)) for e in self.chain)

    @cached_property
    def absence_records(self) -> list[m.Absence]:
        return [
            absence
            for e in self.chain
            for absence in self.absences.get(e.pk, [])
            if _is_within(e, absence.session.date)
        ]

    @cached_property
    def absence_count(self) -> int:
        return len(self.absence_records)

    @property
    def justified_count(self) -> int:
        return sum(absence.is_justified for absence in self.absence_records)

    @property
    def absences_outside_enrolment(self) -> list[m.Absence]:
        """Absences on days outside the enrolment."""
        return [
            absence
            for e in self.chain
            for absence in self.absences.get(e.pk, [])
            if not _is_within(e, absence.session.date)
        ]

    def absences_in_term(self, term: int) -> int:
        return sum(absence.session.term == term for absence in self.absence_records)

    @property
    def _days_outside(self) -> int:
        """Lesson days of the newest class outside all enrolments."""
        e, earlier = self.chain[0], self.chain[1:]
        sessions = self.sessions.get(e.school_class_id, [])
        days_outside = sum(not _is_within(e, session.date) for session in sessions)
        days_outside -= sum(len(self._sessions_of(one)) for one in earlier)
        return max(days_outside, 0)

    @cached_property
    def judgement(self) -> grading.AttendanceJudgement | None:
        """Judgement of the days by the rules; None without rules."""
        if self.rules is None:
            return None
        return grading.judge_attendance(
            self.rules, self.lesson_days, self.absence_count, self._days_outside
        )

    @property
    def planned_days(self) -> int | None:
        return self.judgement and self.judgement.planned_days

    @property
    def percent(self) -> Fraction | None:
        """Attendance in percent of the days given, or of the planned days by rule."""
        if self.judgement is None:
            return grading.attendance_percent(self.lesson_days, self.absence_count)
        return self.judgement.percent

    @property
    def minimum(self) -> Fraction | None:
        return Fraction(self.rules["minimum_attendance"]) if self.rules else None

    @property
    def is_enough(self) -> bool | None:
        return self.judgement and self.judgement.is_enough

    @property
    def absences_left(self) -> int | None:
        """Number of further absences allowed."""
        return self.judgement and self.judgement.absences_left

    @property
    def is_for_council(self) -> bool | None:
        """True if the council must be informed; None without rules or lesson days."""
        if self.judgement is None or not self.lesson_days:
            return None
        return self.judgement.is_for_council

    def window_percent(self, months: tuple[int, int]) -> Fraction | None:
        """Return the attendance in these months of the calendar year, in percent."""
        year = self.chain[0].school_class.school_year.year
        sessions = [
            s
            for e in self.chain
            for s in self._sessions_of(e)
            if s.date.year == year and s.date.month in months
        ]
        absences = [
            a
            for a in self.absence_records
            if a.session.date.year == year and a.session.date.month in months
        ]
        return grading.attendance_percent(len(sessions), len(absences))

    def benefit_minimum(self, months: tuple[int, int]) -> Fraction | None:
        """Return the percentage that the benefit requires at this age, or None."""
        first = date(self.chain[0].school_class.school_year.year, months[0], 1)
        birth_date = self.chain[0].student.birth_date
        had_birthday = (first.month, first.day) >= (birth_date.month, birth_date.day)
        age = first.year - birth_date.year - (not had_birthday)
        if age in (4, 5):
            return Fraction(60)
        return Fraction(75) if 6 <= age <= 17 else None

    def _sessions_of(self, e: m.Enrolment) -> list[m.ClassSession]:
        sessions = self.sessions.get(e.school_class_id, [])
        return [session for session in sessions if _is_within(e, session.date)]


def _is_within(e: m.Enrolment, day: date) -> bool:
    return e.entry_date <= day and (e.exit_date is None or day < e.exit_date)
