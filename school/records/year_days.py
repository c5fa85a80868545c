"""Days of a student's year: lessons and absences of its members, each day once."""

from collections.abc import Iterator, Sequence, Set
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
    *,
    teaching_classes: Set[int],
) -> YearDays:
    """Count the days of the members, the newest last; `absences` are those of each.

    `teaching_classes` are the ids of the classes with subjects.
    """
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
        days = list(_join_days(stays, absences, calendars, teaching_classes))
        lessons = count_days([lesson for lesson, _ in days], windows, term_count)
        absence_days = [absence for _, absence in days if absence is not None]
    return YearDays(
        lessons,
        count_days(absence_days, windows, term_count),
        sum([bool(absence[2]) for absence in absence_days]),
    )


def _are_apart(stays: Sequence[EnrolmentRow]) -> bool:
    """Return whether no day is within two of the stays."""
    periods = sorted((row.entry, row.exit or date.max) for row in stays)
    return all(exit <= entry for (_, exit), (entry, _) in pairwise(periods))


def _join_days(
    stays: Sequence[EnrolmentRow],
    absences: Sequence[Sequence[AbsenceDay]],
    calendars: LessonCalendars,
    teaching_classes: Set[int],
) -> Iterator[tuple[tuple[str, int], AbsenceDay | None]]:
    """Yield each day with lessons once, with the absence on it.

    Of several classes on one day, that decides which the student entered last: an enrolment
    that nobody ended says nothing of where the student is now. Classes without subjects, such
    as support that nobody marked as such, decide only on days of no other class.
    """
    decisions: dict[str, tuple[int, AbsenceDay | None]] = {}
    pairs = zip(stays, absences, strict=True)
    for row, days in sorted(
        pairs,
        key=lambda pair: (
            pair[0].class_id in teaching_classes,
            pair[0].entry,
            pair[0].id,
        ),
    ):
        absence_by_day = {absence[0]: absence for absence in days}
        for day, term in calendars.for_enrolment(row).days_between(row.entry, row.exit):
            decisions[day] = term, absence_by_day.get(day)
    for day, (term, absence) in decisions.items():
        yield (day, term), absence
