"""Lesson and absence days per year, term and window of `BENEFIT_WINDOWS`.

Days stay ISO 8601 strings: they sort chronologically and need no parsing.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from school.db.json_aggregates import JSONArrayAgg, JSONRow, json_array_subquery
from school.grading.attendance import BENEFIT_WINDOWS
from school.models import Absence, ClassSession
from school.records.enrolment_rows import EnrolmentRow, in_classes

ABSENCES_SUBQUERY = json_array_subquery(
    Absence.objects.all(),
    JSONRow("session__date", "session__term", "is_justified"),
    parent_field="enrolment",
)
_CHUNK_SIZE = 100
"""Classes fetched at once; the days of one class take 4 kB before equal lists are shared."""


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Numbers of days: in total, per term and per window of `BENEFIT_WINDOWS`."""

    total: int
    by_term: Sequence[int]
    by_window: Sequence[int]

    def __add__(self, other: "DayCounts") -> "DayCounts":
        return DayCounts(
            self.total + other.total,
            [a + b for a, b in zip(self.by_term, other.by_term, strict=True)],
            [a + b for a, b in zip(self.by_window, other.by_window, strict=True)],
        )


AbsenceDay = Sequence[Any]
"""Day, its term, and whether the absence is justified: a list of JSON, for there are many."""


class Absences(NamedTuple):
    """Absences of one enrolment."""

    days: Sequence[AbsenceDay]
    """Absences on days when the student was in the class."""
    outside_count: int
    """Number of absences before entry or after exit."""


class LessonCalendar:
    """Lesson days shared by classes of one year, counted for `term_count` terms."""

    def __init__(
        self, year: int, days: Sequence[tuple[str, int]], term_count: int
    ) -> None:
        self._year = year
        self._days = sorted(days)
        self._term_count = term_count
        self._counts_by_range: dict[tuple[int, int], DayCounts] = {}

    def __len__(self) -> int:
        return len(self._days)

    def count_between(self, entry: date, exit: date | None) -> DayCounts:
        """Count the days from `entry` up to but excluding `exit`."""
        first, last = self._range(entry, exit)
        # Most students of a class share one range, because they attend all year.
        if (first, last) not in self._counts_by_range:
            days = self._days[first:last]
            self._counts_by_range[first, last] = count_days(
                days, self._year, self._term_count
            )
        return self._counts_by_range[first, last]

    def days_between(self, entry: date, exit: date | None) -> Sequence[tuple[str, int]]:
        """Return the days from `entry` up to but excluding `exit`, each with its term."""
        first, last = self._range(entry, exit)
        return self._days[first:last]

    def _range(self, entry: date, exit: date | None) -> tuple[int, int]:
        first = bisect_left(self._days, (entry.isoformat(),))
        last = bisect_left(self._days, (exit.isoformat(),)) if exit else len(self)
        return first, last


class LessonCalendars:
    """Lesson calendars of several classes, read by one query; equal calendars are shared."""

    def __init__(self, classes: Set[int], term_count: int) -> None:
        self._by_class: dict[int, LessonCalendar] = {}
        self._empty = LessonCalendar(0, [], term_count)
        unique: dict[tuple[int, str], LessonCalendar] = {}
        sessions = ClassSession.objects.filter(in_classes(classes))
        rows = (
            sessions.order_by()
            .values_list("school_class_id", "school_class__school_year__year")
            .annotate(days=JSONArrayAgg(JSONRow("date", "term")))
        )
        for school_class, year, days in rows.iterator(_CHUNK_SIZE):
            if (year, days) not in unique:
                lesson_days = [(day, term) for day, term in json.loads(days)]
                unique[year, days] = LessonCalendar(year, lesson_days, term_count)
            self._by_class[school_class] = unique[year, days]

    def for_enrolment(self, row: EnrolmentRow) -> LessonCalendar:
        return self._by_class.get(row.class_id, self._empty)


def parse_absences(
    absences_json: str | None, row: EnrolmentRow, *, is_cut: bool
) -> Absences:
    """Parse the result of `ABSENCES_SUBQUERY` for one member of a year.

    Nothing is told of absences after the year, of a member that goes beyond it.
    """
    entry, exit = row.entry.isoformat(), row.exit and row.exit.isoformat()
    days, outside_count = list[AbsenceDay](), 0
    for absence in json.loads(absences_json or "[]"):
        day = absence[0]
        if entry <= day and (exit is None or day < exit):
            days.append(absence)
        elif day < entry or not is_cut:
            outside_count += 1
    return Absences(days, outside_count)


def count_days(
    days: Sequence[tuple[str, int] | AbsenceDay], year: int, term_count: int
) -> DayCounts:
    """Count the days of lessons or absences, each given with its term."""
    terms = Counter([day[1] for day in days])
    months = Counter([day[0][:7] for day in days])
    return DayCounts(
        len(days),
        [terms[n] for n in range(1, term_count + 1)],
        [months[first] + months[second] for first, second in _window_months(year)],
    )


@cache
def _window_months(year: int) -> Sequence[tuple[str, str]]:
    """Return the two months of each window as "YYYY-MM", limited to the given year."""
    return [
        (f"{year}-{first:02}", f"{year}-{second:02}")
        for _code, first, second in BENEFIT_WINDOWS
    ]
