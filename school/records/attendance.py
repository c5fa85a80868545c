"""Days of lessons and of absence, in the year, its terms and the windows of `WINDOWS`.

Days are texts as ISO 8601 writes them: these sort as the days do, and need not be read.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cache

from school.db.json_aggregates import JSONList, JSONRow, listed
from school.grading.attendance import WINDOWS
from school.models import Absence, ClassSession
from school.records.enrolment_rows import Place, of_classes

ABSENCES = listed(
    Absence.objects.all(),
    JSONRow("session__date", "session__term", "is_justified"),
    of="enrolment",
)
_CLASSES = 100
"""Whose days are in memory before they are shared: those of one take 4 kB."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many days, all together, in each term and in each window of `WINDOWS`."""

    total: int
    by_term: Sequence[int]
    by_window: Sequence[int]

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.total + other.total,
            [a + b for a, b in zip(self.by_term, other.by_term, strict=True)],
            [a + b for a, b in zip(self.by_window, other.by_window, strict=True)],
        )


@dataclass(frozen=True, slots=True)
class Absences:
    """Those of one enrolment."""

    within: Tally
    """On days when the student was in the class."""
    justified: int = 0
    """How many of these are."""
    outside: int = 0
    """How many there are on other days."""


class Calendar:
    """On which days some classes had lessons; `terms` terms are told apart."""

    def __init__(self, year: int, days: Sequence[tuple[str, int]], terms: int) -> None:
        self._year = year
        self._days = sorted(days)
        self._most = terms
        self._tallies: dict[tuple[int, int], Tally] = {}

    def __len__(self) -> int:
        return len(self._days)

    def between(self, entry: date, exit: date | None) -> Tally:
        """The days from `entry` until before `exit`."""
        first = bisect_left(self._days, (entry.isoformat(),))
        last = bisect_left(self._days, (exit.isoformat(),)) if exit else len(self)
        if (first, last) not in self._tallies:  # most of a class were there all year
            days = self._days[first:last]
            self._tallies[first, last] = _tally(days, self._year, self._most)
        return self._tallies[first, last]


class Calendars:
    """Of classes, read by one query; those that are equal are one."""

    def __init__(self, classes: Set[int], terms: int) -> None:
        self._of_class: dict[int, Calendar] = {}
        self._none = Calendar(0, [], terms)
        shared: dict[tuple[int, str], Calendar] = {}
        sessions = ClassSession.objects.filter(of_classes(classes))
        rows = (
            sessions.order_by()
            .values_list("school_class_id", "school_class__school_year__year")
            .annotate(days=JSONList(JSONRow("date", "term")))
        )
        for school_class, year, days in rows.iterator(_CLASSES):
            if (year, days) not in shared:
                held = [(day, term) for day, term in json.loads(days)]
                shared[year, days] = Calendar(year, held, terms)
            self._of_class[school_class] = shared[year, days]

    def of(self, place: Place) -> Calendar:
        return self._of_class.get(place.class_id, self._none)


def absences(written: str | None, place: Place, terms: int) -> Absences:
    """What `ABSENCES` gave of that enrolment."""
    entry, exit = place.entry.isoformat(), place.exit and place.exit.isoformat()
    within, justified, outside = list[tuple[str, int]](), 0, 0
    for day, term, is_justified in json.loads(written or "[]"):
        if day < entry or exit and day >= exit:
            outside += 1
        else:
            within.append((day, term))
            justified += bool(is_justified)
    return Absences(_tally(within, place.year, terms), justified, outside)


def _tally(days: Sequence[tuple[str, int]], year: int, most: int) -> Tally:
    terms = Counter([term for _day, term in days])
    months = Counter([day[:7] for day, _term in days])
    return Tally(
        len(days),
        [terms[n] for n in range(1, most + 1)],
        [months[one] + months[two] for one, two in _windows(year)],
    )


@cache
def _windows(year: int) -> Sequence[tuple[str, str]]:
    """The months of each; the same months of another year are no windows of this one."""
    return [(f"{year}-{one:02}", f"{year}-{two:02}") for _code, one, two in WINDOWS]
