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
    members: Sequence[tuple[EnrolmentRow, Sequence[AbsenceDay]]],
    calendars: LessonCalendars,
    teaching_classes: Set[int],
    windows: Sequence[DatedWindow],
    term_count: int,
) -> YearDays:
    """Count the days of the members, each given with its absences.

    `teaching_classes` are the ids of the classes with subjects.
    """
    stays = [row for row, _ in members]
    if len(members) == 1:  # the usual case
        [(row, absence_days)] = members
        lessons = calendars.for_enrolment(row).count_between(row.entry, row.exit)
    elif _are_apart(stays):
        counts = [
            calendars.for_enrolment(row).count_between(row.entry, row.exit)
            for row in stays
        ]
        lessons = sum(counts[1:], counts[0])
        absence_days = [day for _, days in members for day in days]
    else:
        days = list(_join_days(members, calendars, teaching_classes))
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
    members: Sequence[tuple[EnrolmentRow, Sequence[AbsenceDay]]],
    calendars: LessonCalendars,
    teaching_classes: Set[int],
) -> Iterator[tuple[tuple[str, int], AbsenceDay | None]]:
    """Yield each day with lessons once, with the absence on it.

    Of several classes on one day, that decides which the student entered last: an enrolment
    that nobody ended says nothing of where the student is now. Classes without subjects, such
    as support that nobody marked as such, decide only on days of no other class.
    """

    def weight(
        member: tuple[EnrolmentRow, Sequence[AbsenceDay]],
    ) -> tuple[bool, date, int]:
        row, _ = member
        return row.class_id in teaching_classes, row.entry, row.id

    decisions: dict[str, tuple[int, AbsenceDay | None]] = {}
    for row, absences in sorted(members, key=weight):
        absence_by_day = {absence[0]: absence for absence in absences}
        for day, term in calendars.for_enrolment(row).days_between(row.entry, row.exit):
            decisions[day] = term, absence_by_day.get(day)
    for day, (term, absence) in decisions.items():
        yield (day, term), absence
