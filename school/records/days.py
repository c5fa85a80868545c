"""Days of lessons and of absence, of a lot of enrolments in two queries."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import CharField, Count, F, Func, IntegerField, Q
from django.db.models.functions import Cast, Substr

from school.models import Absence, ClassSession
from school.records.places import Place
from school.rules.attendance import WINDOWS


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
    """On which days one class had lessons."""

    def __init__(self, year: int, days: Iterable[tuple[date, int]], terms: int) -> None:
        self._year = year
        self.dates, self._terms = zip(*sorted(days), strict=True)
        self._most = terms
        self._tallies: dict[tuple[int, int], Tally] = {}

    def between(self, entry: date, exit: date | None) -> Tally:
        """The days from `entry` until before `exit`."""
        first = bisect_left(self.dates, entry)
        last = bisect_left(self.dates, exit) if exit else len(self.dates)
        if (first, last) not in self._tallies:  # most of a class were there all year
            self._tallies[first, last] = self._tally(first, last)
        return self._tallies[first, last]

    def _tally(self, first: int, last: int) -> Tally:
        terms = Counter(self._terms[first:last])
        days = self.dates[first:last]
        # The same months of another year are no windows of this one.
        months = Counter(day.month for day in days if day.year == self._year)
        return Tally(
            max(0, last - first),
            [terms[n] for n in range(1, self._most + 1)],
            [months[one] + months[two] for _code, one, two in WINDOWS],
        )


class DayBook:
    """The days of some enrolments, `terms` terms of them told apart."""

    def __init__(self, places: Sequence[Place], terms: int) -> None:
        self._nothing = Tally(0, [0] * terms, [0] * len(WINDOWS))
        self._calendars = _calendars({p.class_id: p.year for p in places}, terms)
        self._absences = _absences([place.id for place in places], terms)

    def given(self, place: Place) -> Tally:
        """The days of lessons on which the student was in the class."""
        calendar = self._calendars.get(place.class_id)
        return calendar.between(place.entry, place.exit) if calendar else self._nothing

    def class_days(self, place: Place) -> int:
        """All days of lessons of the class."""
        calendar = self._calendars.get(place.class_id)
        return len(calendar.dates) if calendar else 0

    def absences(self, place: Place) -> Absences:
        return self._absences.get(place.id) or Absences(self._nothing)


def _calendars(years: Mapping[int, int], terms: int) -> dict[int, Calendar]:
    """Of the classes whose years are given."""
    days: dict[int, list[tuple[date, int]]] = defaultdict(list)
    sessions = ClassSession.objects.filter(school_class__in=years).order_by()
    for school_class, day, term in sessions.values_list(
        "school_class_id", "date", "term"
    ).iterator():
        days[school_class].append((day, term))
    return {id: Calendar(years[id], held, terms) for id, held in days.items()}


def _absences(enrolments: Sequence[int], terms: int) -> dict[int, Absences]:
    day, exit = F("session__date"), "enrolment__exit_date"
    within = Q(session__date__gte=F("enrolment__entry_date")) & (
        Q(**{exit: None}) | Q(**{f"{exit}__gt": day})
    )
    of_year = within & Q(year=F("session__school_class__school_year__year"))
    counts = {
        "n": within,
        "justified": within & Q(is_justified=True),
        "outside": ~within,
        **{f"t{n}": within & Q(session__term=n) for n in range(1, terms + 1)},
        **{code: of_year & Q(month__in=months) for code, *months in WINDOWS},
    }
    rows = (
        Absence.objects.filter(enrolment__in=enrolments)
        .annotate(month=Part("session__date", 6, 2), year=Part("session__date", 1, 4))
        .order_by()
        .values_list("enrolment_id")
        .annotate(**{name: Count("pk", filter=when) for name, when in counts.items()})
    )
    return {
        enrolment: Absences(
            Tally(n, numbers[:terms], numbers[terms:]), justified, outside
        )
        for enrolment, n, justified, outside, *numbers in rows.iterator()
    }


class Part(Func):
    """A date's year or month, by where it stands in the date as ISO 8601 writes it.

    Without the function in Python that Django gives SQLite for it.
    """

    output_field = IntegerField()

    def __init__(self, day: str, first: int, length: int) -> None:
        text = Cast(day, CharField())
        super().__init__(Substr(text, first, length))

    template = "CAST(%(expressions)s AS INTEGER)"
