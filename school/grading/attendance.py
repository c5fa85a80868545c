"""A year's days judged: attendance in percent, absences left, and what authorities ask."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor
from typing import NamedTuple

from school.grading.rules import Rules


class BenefitWindow(NamedTuple):
    """Two months, first and last, that the Bolsa Familia asks about together."""

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
"""Ages in full years, both within, and the percent of the days that they must attend."""


@dataclass(frozen=True, slots=True)
class AttendanceDays:
    """Counted in days on which the student's class had lessons."""

    lesson_days: int = 0
    """While the student was in it."""
    absences: int = 0
    """Of those, justified or not."""
    justified_absences: int = 0
    days_outside: int = 0
    """Before the student came or after the student left, as far as nowhere else either."""


@dataclass(frozen=True, slots=True)
class AttendanceResult:
    base_days: int | None
    """The days that percents are of; none while no day was given."""
    attended_days: int | None
    percent: Fraction | None
    is_enough: bool | None
    """None while no day was given."""
    planned_days: int
    """How many days the student's year is to have."""
    absences_left: int
    """How many more the planned days allow; below zero, how many were too many."""
    requires_council_notice: bool
    """Whether the Conselho Tutelar is to be told."""


def evaluate_attendance(rules: Rules, days: AttendanceDays) -> AttendanceResult:
    """Judge the days by the rules. Justified absences are absences (LDB, art. 24 VI)."""
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
    """Whether it is too low, and no day that is still to come can lift it again."""
    is_over = is_closed or result.absences_left < 0
    return result.is_enough is False and is_over


def benefit_minimum(birth_date: date, first_day: date) -> int | None:
    """What percent the Bolsa Familia asks of a window that begins that day; none at other ages."""
    had_birthday = (first_day.month, first_day.day) >= (
        birth_date.month,
        birth_date.day,
    )
    age = first_day.year - birth_date.year - (not had_birthday)
    for min_age, max_age, percent in BENEFIT_MINIMUMS:
        if min_age <= age <= max_age:
            return percent
    return None
