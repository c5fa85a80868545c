"""Attendance of a year: percentage, absences left and the limits set by authorities."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor
from typing import NamedTuple

from school.grading.rules import Rules


class BenefitWindow(NamedTuple):
    """Pair of months that the Bolsa Família programme evaluates together."""

    code: str
    first_month: int
    last_month: int


BENEFIT_WINDOWS = (
    BenefitWindow("feb_mar", 2, 3),
    BenefitWindow("apr_may", 4, 5),
    BenefitWindow("jun_jul", 6, 7),
    BenefitWindow("aug_sep", 8, 9),
    BenefitWindow("oct_nov", 10, 11),
)
BENEFIT_MINIMUMS = ((4, 5, 60), (6, 17, 75))
"""Tuples of lowest age, highest age (full years, inclusive) and minimum attendance percent."""


@dataclass(frozen=True, slots=True)
class AttendanceDays:
    """Counts of days on which the student's class had lessons."""

    lesson_days: int = 0
    """Lesson days while the student was in the class."""
    absences: int = 0
    """Absences on those days, justified or not."""
    justified_absences: int = 0
    days_outside: int = 0
    """Lesson days before entry or after exit that no earlier enrolment of the year covers."""


@dataclass(frozen=True, slots=True)
class AttendanceResult:
    base_days: int | None
    """Base of the percentage; None while no lesson day is recorded."""
    attended_days: int | None
    percent: Fraction | None
    is_enough: bool | None
    """None while no lesson day is recorded."""
    planned_days: int
    """Number of lesson days planned for the student's year."""
    absences_left: int
    """Further absences that the planned days allow; negative if the limit is exceeded."""
    requires_council_notice: bool
    """True if the absences must be reported to the Conselho Tutelar."""


def evaluate_attendance(rules: Rules, days: AttendanceDays) -> AttendanceResult:
    """Evaluate the days by the rules; justified absences count as absences (LDB, art. 24 VI)."""
    planned = max(days.lesson_days, rules.year_days - days.days_outside)
    minimum = Fraction(rules.minimum_attendance)
    absences_left = floor(planned * (100 - minimum) / 100) - days.absences
    if not days.lesson_days:
        return AttendanceResult(None, None, None, None, planned, absences_left, False)
    base = planned if rules.attendance_base == "planned" else days.lesson_days
    attended = base - days.absences
    percent = Fraction(100 * attended, base)
    return AttendanceResult(
        base_days=base,
        attended_days=attended,
        percent=percent,
        is_enough=percent >= minimum,
        planned_days=planned,
        absences_left=absences_left,
        requires_council_notice=100 * days.absences > rules.council_absences * planned,
    )


def is_attendance_unrecoverable(result: AttendanceResult, *, is_closed: bool) -> bool:
    """Return whether attendance is too low and no remaining day can raise it enough."""
    is_over = is_closed or result.absences_left < 0
    return result.is_enough is False and is_over


def benefit_minimum(birth_date: date, first_day: date) -> int | None:
    """Return the Bolsa Família minimum percent for a window starting on `first_day`, or None.

    None means that the student's age on that day is outside the programme.
    """
    had_birthday = (first_day.month, first_day.day) >= (
        birth_date.month,
        birth_date.day,
    )
    age = first_day.year - birth_date.year - (not had_birthday)
    for min_age, max_age, percent in BENEFIT_MINIMUMS:
        if min_age <= age <= max_age:
            return percent
    return None
