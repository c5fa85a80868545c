"""Lesson and absence days per year, term and window of the Bolsa Família programme.

Days stay ISO 8601 strings: they sort chronologically and need no parsing.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from school.db.json_aggregates import JSONArrayAgg, JSONRow, json_array_subquery
from school.grading.attendance import DatedWindow
from school.models import Absence, ClassSession
from school.records.calendar import AcademicCalendar
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
    """Numbers of days: in total, per term and per window of the school year."""

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
        self,
        windows: Sequence[DatedWindow],
        days: Sequence[tuple[str, int]],
        term_count: int,
    ) -> None:
        self._windows = windows
        self._days = sorted(days)
        self._term_count = term_count
        self._counts_by_range: dict[tuple[int, int], DayCounts] = {}

    def __len__(self) -> int:
        return len(self._days)

    @property
    def first_day(self) -> date | None:
        """The first lesson day; None without lessons."""
        return date.fromisoformat(self._days[0][0]) if self._days else None

    @property
    def last_day(self) -> date | None:
        """The last lesson day; None without lessons."""
        return date.fromisoformat(self._days[-1][0]) if self._days else None

    def count_between(self, entry: date, exit: date | None) -> DayCounts:
        """Count the days from `entry` up to but excluding `exit`."""
        first, last = self._range(entry, exit)
        # Most students of a class share one range, because they attend all year.
        if (first, last) not in self._counts_by_range:
            days = self._days[first:last]
            self._counts_by_range[first, last] = count_days(
                days, self._windows, self._term_count
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

    def __init__(
        self, classes: Set[int], calendar: AcademicCalendar, term_count: int
    ) -> None:
        self._calendar = calendar
        self._term_count = term_count
        self._by_class: dict[int, LessonCalendar] = {}
        self._empty_by_year: dict[int, LessonCalendar] = {}
        unique: dict[tuple[int, str], LessonCalendar] = {}
        sessions = ClassSession.objects.filter(in_classes(classes))
        rows = (
            sessions.order_by()
            .values_list("school_class_id", "school_class__school_year_id")
            .annotate(days=JSONArrayAgg(JSONRow("date", "term")))
        )
        for school_class, year_id, days in rows.iterator(_CHUNK_SIZE):
            if (year_id, days) not in unique:
                lesson_days = [(day, term) for day, term in json.loads(days)]
                unique[year_id, days] = self._build(year_id, lesson_days)
            self._by_class[school_class] = unique[year_id, days]

    def for_enrolment(self, row: EnrolmentRow) -> LessonCalendar:
        if row.class_id in self._by_class:
            return self._by_class[row.class_id]
        if row.year_id not in self._empty_by_year:
            self._empty_by_year[row.year_id] = self._build(row.year_id, [])
        return self._empty_by_year[row.year_id]

    def _build(self, year_id: int, days: Sequence[tuple[str, int]]) -> LessonCalendar:
        windows = self._calendar.benefit_windows(year_id)
        return LessonCalendar(windows, days, self._term_count)


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
    days: Sequence[tuple[str, int] | AbsenceDay],
    windows: Sequence[DatedWindow],
    term_count: int,
) -> DayCounts:
    """Count the days of lessons or absences, each given with its term."""
    terms = Counter([day[1] for day in days])
    months = Counter([day[0][:7] for day in days])
    return DayCounts(
        len(days),
        [terms[n] for n in range(1, term_count + 1)],
        [months[first] + months[second] for *_, (first, second) in windows],
    )
