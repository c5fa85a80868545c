"""Attendance of a year: percentage, absences left and the limits set by authorities."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
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


class DatedWindow(NamedTuple):
    """A window of `BENEFIT_WINDOWS` in one calendar year."""

    code: str
    number: int
    """1 for the first window of its code in the school year, 2 for the next one."""
    first_day: date
    months: tuple[str, str]
    """The two months as "YYYY-MM"."""

    @property
    def key(self) -> str:
        """The code, with a suffix for all but the first window of the code."""
        suffixes = ("", "_next")
        if self.number <= len(suffixes):
            return self.code + suffixes[self.number - 1]
        return f"{self.code}_next_{self.number - 1}"


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
    class_days: int = 0
    """Lesson days of the class in the whole year; 0 if none is recorded."""


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
    absences_left: int | None
    """Further absences that the planned days allow; negative if the limit is exceeded.

    None for who has left, and in a closed year, which allows nothing further.
    """
    requires_council_notice: bool
    """True if the absences must be reported to the Conselho Tutelar."""


def evaluate_attendance(
    rules: Rules, days: AttendanceDays, *, is_closed: bool = False
) -> AttendanceResult:
    """Evaluate the days by the rules; justified absences count as absences (LDB, art. 24 VI)."""
    planned = _planned_days(rules, days, is_closed=is_closed)
    minimum = Fraction(rules.minimum_attendance)
    absences_left = (
        None if is_closed else floor(planned * (100 - minimum) / 100) - days.absences
    )
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


def _planned_days(rules: Rules, days: AttendanceDays, *, is_closed: bool) -> int:
    # No day of a closed year is still to come: limits are of the days that the percentage uses.
    if is_closed and rules.attendance_base == "given":
        return days.lesson_days
    return max(days.lesson_days, rules.year_days - days.days_outside)


def is_attendance_unrecoverable(result: AttendanceResult, *, is_closed: bool) -> bool:
    """Return whether attendance is too low and no remaining day can raise it enough."""
    is_over = is_closed or (result.absences_left or 0) < 0
    return result.is_enough is False and is_over


@cache
def benefit_windows(year: int, starts_on: date, ends_on: date) -> Sequence[DatedWindow]:
    """Return the windows of the school year `year`, which has these dates.

    The first window of each code comes first, in the order of `BENEFIT_WINDOWS`, then all later
    windows by date. A code of which the dates meet no window has the one of the calendar year
    `year`, without lessons.
    """
    start, end = (starts_on.year, starts_on.month), (ends_on.year, ends_on.month)
    numbers = dict.fromkeys((window.code for window in BENEFIT_WINDOWS), 0)
    first_windows, later_windows = dict[str, DatedWindow](), list[DatedWindow]()
    for calendar_year in range(starts_on.year, ends_on.year + 1):
        for window in BENEFIT_WINDOWS:
            is_after_end = (calendar_year, window.first_month) > end
            if (calendar_year, window.last_month) < start or is_after_end:
                continue
            numbers[window.code] += 1
            dated_window = _date_window(window, calendar_year, numbers[window.code])
            if dated_window.number == 1:
                first_windows[window.code] = dated_window
            else:
                later_windows.append(dated_window)
    return (
        *(
            first_windows.get(window.code) or _date_window(window, year, 1)
            for window in BENEFIT_WINDOWS
        ),
        *later_windows,
    )


def _date_window(window: BenefitWindow, year: int, number: int) -> DatedWindow:
    return DatedWindow(
        window.code,
        number,
        date(year, window.first_month, 1),
        (f"{year}-{window.first_month:02}", f"{year}-{window.last_month:02}"),
    )


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
