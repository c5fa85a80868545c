"""A year's days judged: attendance in percent, absences left, and what authorities ask."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor
from typing import NamedTuple

from school.grading.rules import Rules


class Window(NamedTuple):
    """Two months, first and last, that the Bolsa Familia asks about together."""

    code: str
    first: int
    last: int


WINDOWS = (
    Window("feb_mar", 2, 3),
    Window("apr_may", 4, 5),
    Window("jun_jul", 6, 7),
    Window("aug_sep", 8, 9),
    Window("oct_nov", 10, 11),
)
MINIMA = ((4, 5, 60), (6, 17, 75))
"""Ages in full years, both within, and the percent of the days that they must attend."""


@dataclass(frozen=True, slots=True)
class Days:
    """Counted in days on which the student's class had lessons."""

    given: int = 0
    """While the student was in it."""
    absent: int = 0
    """Of those, justified or not."""
    justified: int = 0
    outside: int = 0
    """Before the student came or after the student left, as far as nowhere else either."""


@dataclass(frozen=True, slots=True)
class Attendance:
    base: int | None
    """The days that percents are of; none while no day was given."""
    attended: int | None
    percent: Fraction | None
    is_enough: bool | None
    """None while no day was given."""
    planned: int
    """How many days the student's year is to have."""
    absences_left: int
    """How many more the planned days allow; below zero, how many were too many."""
    is_for_council: bool
    """Whether the Conselho Tutelar is to be told."""


def judge(rules: Rules, days: Days) -> Attendance:
    """Judge the days by the rules. Justified absences are absences (LDB, art. 24 VI)."""
    planned = max(days.given, rules.year_days - days.outside)
    minimum = Fraction(rules.minimum_attendance)
    absences_left = floor(planned * (100 - minimum) / 100) - days.absent
    if not days.given:
        return Attendance(None, None, None, None, planned, absences_left, False)
    base = planned if rules.attendance_base == "planned" else days.given
    attended = base - days.absent
    percent = Fraction(100 * attended, base)
    return Attendance(
        base=base,
        attended=attended,
        percent=percent,
        is_enough=percent >= minimum,
        planned=planned,
        absences_left=absences_left,
        is_for_council=100 * days.absent > rules.council_absences * planned,
    )


def is_lost(result: Attendance, *, is_closed: bool) -> bool:
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
    for youngest, oldest, percent in MINIMA:
        if youngest <= age <= oldest:
            return percent
    return None
