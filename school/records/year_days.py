"""Days of a student's year: lessons and absences of its members, each day once."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from school.grading.attendance import DatedWindow
from school.records.attendance import (
    AbsenceDay,
    DayCounts,
    LessonCalendars,
    count_days,
)
from school.records.enrolment_rows import EnrolmentRow


class YearDays(NamedTuple):
    """Numbers of days on which the student was in a class of the year."""

    lessons: DayCounts
    absences: DayCounts
    justified_count: int


def count_year_days(
    stays: Sequence[EnrolmentRow],
    absences: Sequence[Sequence[AbsenceDay]],
    calendars: LessonCalendars,
    windows: Sequence[DatedWindow],
    term_count: int,
) -> YearDays:
    """Count the days of the members, the newest last; `absences` are those of each."""
    if len(stays) == 1:  # the usual case
        [row], [absence_days] = stays, absences
        lessons = calendars.for_enrolment(row).count_between(row.entry, row.exit)
    elif _are_apart(stays):
        counts = [
            calendars.for_enrolment(row).count_between(row.entry, row.exit)
            for row in stays
        ]
        lessons = sum(counts[1:], counts[0])
        absence_days = [day for days in absences for day in days]
    else:
        lesson_days = [
            calendars.for_enrolment(row).days_between(row.entry, row.exit)
            for row in stays
        ]
        term_by_day = {day: term for days in lesson_days for day, term in days}
        lessons = count_days(list(term_by_day.items()), windows, term_count)
        absence_days = list(_days_without_attendance(lesson_days, absences))
    return YearDays(
        lessons,
        count_days(absence_days, windows, term_count),
        sum([bool(absence[2]) for absence in absence_days]),
    )


def _are_apart(stays: Sequence[EnrolmentRow]) -> bool:
    """Return whether no day is within two of the stays."""
    periods = sorted((row.entry, row.exit or date.max) for row in stays)
    return all(exit <= entry for (_, exit), (entry, _) in pairwise(periods))


def _days_without_attendance(
    lesson_days: Sequence[Sequence[tuple[str, int]]],
    absences: Sequence[Sequence[AbsenceDay]],
) -> Iterator[AbsenceDay]:
    """Yield the days on which the student was absent from every class that had lessons.

    The newest class gives the term; one justification is enough.
    """
    lessons_by_member = [dict(days) for days in lesson_days]
    absences_by_member = [
        {day: (term, is_justified) for day, term, is_justified in days}
        for days in absences
    ]
    for day in sorted({day for days in absences_by_member for day in days}):
        expected = sum(day in lessons for lessons in lessons_by_member)
        absent = [days[day] for days in absences_by_member if day in days]
        if len(absent) == expected:
            newest_term, _is_justified = absent[-1]
            yield day, newest_term, any(is_justified for _term, is_justified in absent)
