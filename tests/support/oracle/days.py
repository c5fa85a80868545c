"""Days of one student's year: lessons, absences, and judgements by the rules."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

from school import models as m
from tests.support.oracle import grading
from tests.support.oracle.visibility import Stay

WINDOWS = {
    "feb_mar": (2, 3), "apr_may": (4, 5), "jun_jul": (6, 7), "aug_sep": (8, 9),
    "oct_nov": (10, 11),
}  # fmt: skip
Months = list[tuple[int, int]]
"""Calendar years and months."""


def windows_of(year: m.SchoolYear) -> dict[str, Months]:
    """Return the windows of a school year by column, each with its months.

    A window that comes back in the year is the next one. One that never comes has the months
    of the year's number.
    """
    first_month = year.starts_on.year, year.starts_on.month
    last_month = year.ends_on.year, year.ends_on.month
    windows = {}
    for code, numbers in WINDOWS.items():
        found = 0
        for calendar_year in range(year.starts_on.year, year.ends_on.year + 1):
            months = [(calendar_year, number) for number in numbers]
            if any(first_month <= month <= last_month for month in months):
                found += 1
                windows[code + {1: "", 2: "_next"}.get(found, f"_next_{found - 1}")] = (
                    months
                )
        if not found:
            windows[code] = [(year.year, number) for number in numbers]
    return windows


@dataclass
class Days:
    chain: list[Stay]
    """Members of the year, newest first."""
    sessions: dict[int, list[m.ClassSession]]
    """Lessons by class id."""
    absences: dict[int, list[m.Absence]]
    """Absences by enrolment id."""
    rules: grading.RulesJson | None
    enrolment: m.Enrolment
    """The enrolment as of which the year is."""
    is_closed: bool
    classes_with_subjects: set[int]

    @cached_property
    def lessons(self) -> dict[date, tuple[m.Enrolment, m.ClassSession]]:
        """The lesson that counts on each day, with the enrolment that it belongs to.

        Where several classes had lessons, that is the one of the class entered last; a class
        without subjects gives way to any with subjects.
        """
        lessons: dict[date, list[tuple[m.Enrolment, m.ClassSession]]] = {}
        for stay in self.chain:
            for session in self.sessions.get(stay.enrolment.school_class_id, []):
                if stay.has(session.date):
                    of_day = lessons.setdefault(session.date, [])
                    of_day.append((stay.enrolment, session))

        def weight(pair: tuple[m.Enrolment, m.ClassSession]) -> tuple[bool, date, int]:
            e, session = pair
            has_subjects = session.school_class_id in self.classes_with_subjects
            return has_subjects, e.entry_date, e.pk

        return {day: max(of_day, key=weight) for day, of_day in lessons.items()}

    @property
    def lesson_days(self) -> int:
        return len(self.lessons)

    @property
    def terms_with_lessons(self) -> set[int]:
        return {session.term for _, session in self.lessons.values()}

    @property
    def class_days(self) -> int:
        """Lesson days of the class in the whole year; of one that has subjects, if there is one."""
        level = self.enrolment.grade_level_id
        own = self.enrolment.school_class_id
        others = [
            stay.enrolment.school_class_id
            for stay in self.chain
            if stay.enrolment.grade_level_id == level
        ]
        candidates = [c for c in (own, *others) if c in self.classes_with_subjects]
        return len(self.sessions.get((candidates or [own])[0], []))

    @cached_property
    def absent_days(self) -> dict[date, m.Absence]:
        """Absences from the lesson that counts, by day."""
        return {
            absence.session.date: absence
            for e, session in self.lessons.values()
            for absence in self.absences.get(e.pk, [])
            if absence.session == session
        }

    @property
    def absence_count(self) -> int:
        return len(self.absent_days)

    @property
    def justified_count(self) -> int:
        return sum(absence.is_justified for absence in self.absent_days.values())

    @property
    def absences_outside_enrolment(self) -> list[m.Absence]:
        """Absences on days outside the enrolment, of those that the year may know."""
        return [
            absence
            for stay in self.chain
            for absence in self.absences.get(stay.enrolment.pk, [])
            if absence.session.date < stay.enrolment.entry_date
            or not stay.is_cut
            and stay.end is not None
            and absence.session.date >= stay.end
        ]

    def absences_in_term(self, term: int) -> int:
        return sum(a.session.term == term for a in self.absent_days.values())

    @property
    def _days_outside(self) -> int:
        """Lesson days of the class beyond those that the student had in any class."""
        return max(self.class_days - self.lesson_days, 0)

    @cached_property
    def judgement(self) -> grading.AttendanceJudgement | None:
        """Judgement of the days by the rules; None without rules."""
        if self.rules is None:
            return None
        return grading.judge_attendance(
            self.rules,
            self.lesson_days,
            self.absence_count,
            self._days_outside,
            is_closed=self.is_closed,
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

    @property
    def windows(self) -> dict[str, Months]:
        return windows_of(self.enrolment.school_class.school_year)

    def window_percent(self, months: Months) -> Fraction | None:
        """Return the attendance in these months, in percent."""
        lessons, absences = (
            [day for day in days if (day.year, day.month) in months]
            for days in (self.lessons, self.absent_days)
        )
        return grading.attendance_percent(len(lessons), len(absences))

    def benefit_minimum(self, months: Months) -> Fraction | None:
        """Return the percentage that the benefit requires at this age, or None."""
        first = date(*months[0], 1)
        birth_date = self.enrolment.student.birth_date
        had_birthday = (first.month, first.day) >= (birth_date.month, birth_date.day)
        age = first.year - birth_date.year - (not had_birthday)
        if age in (4, 5):
            return Fraction(60)
        return Fraction(75) if 6 <= age <= 17 else None
