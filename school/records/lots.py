"""A lot of enrolments, made into students' years with seven queries for all of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from django.db.models import QuerySet

from school.models import Enrolment, Offering
from school.records import marks, places
from school.records.chains import chain
from school.records.days import DayBook
from school.records.frame import Frame
from school.records.marks import Gradebook
from school.records.places import Place
from school.records.student_year import LeftOut, StudentYear, TaughtSubject
from school.rules import outcome
from school.rules.attendance import Days
from school.rules.outcome import Year
from school.rules.subjects import Marks


class Lot:
    """The years of these places; `terms` is the most that one of them has."""

    def __init__(
        self,
        frame: Frame,
        listed: Sequence[Place],
        seen: QuerySet[Enrolment],
        terms: int,
    ) -> None:
        self._frame = frame
        self._listed = listed
        self._terms = terms
        ended = _by_course(places.ended({p.student_id for p in listed}, seen))
        self._chains = {p.id: chain(p, ended.get(p.course, ())) for p in listed}
        involved = (p for before in self._chains.values() for p in before.places)
        self._involved = {place.id: place for place in involved}
        self._daybook = DayBook(list(self._involved.values()), terms)
        self._gradebook: Gradebook = {}
        self._taught: Mapping[int, Sequence[TaughtSubject]] = {}

    def read_marks(self) -> None:
        self._gradebook = marks.read(list(self._involved), self._terms)
        self._taught = _taught({place.class_id for place in self._listed})

    def years(self, left_out: LeftOut) -> Iterator[StudentYear]:
        for place in self._listed:
            yield self._year(place, left_out)

    def _year(self, place: Place, left_out: LeftOut) -> StudentYear:
        chain = self._chains[place.id].places
        for one in self._chains[place.id].overlapping:
            left_out.add(one.id, {"enrolment_overlaps": 1})
        version = self._frame.rules(place.year_id, place.level_id)
        subjects = self._taught.get(place.class_id, ())
        given = [self._daybook.given(one) for one in chain]
        absences = [self._daybook.absences(one) for one in chain]
        for one, absence in zip(chain, absences, strict=True):
            left_out.add(one.id, {"absence_outside_enrolment": absence.outside})
        absent = sum((a.within for a in absences[1:]), absences[0].within)
        present = sum(given[1:], given[0])
        not_there = self._daybook.class_days(place) - present.total
        year = Year(
            subjects=self._marks(chain, subjects, left_out),
            days=Days(
                given=present.total,
                absent=absent.total,
                justified=sum(absence.justified for absence in absences),
                outside=max(0, not_there),
            ),
            ending=place.left_as,
            is_closed=place.is_closed,
            by_council=place.by_council,
        )
        judged = outcome.decide(version.rules if version else None, year)
        return StudentYear(place, version, subjects, year, judged, present, absent)

    def _marks(
        self,
        chain: Sequence[Place],
        subjects: Sequence[TaughtSubject],
        left_out: LeftOut,
    ) -> Mapping[int, Marks]:
        """Of each subject taught: its grades, from the newest enrolment that has one."""
        place = chain[-1]
        terms = self._frame.terms(place.year_id, place.level_id)
        blank = Marks((None,) * terms)
        found = {subject.id: blank for subject in subjects}
        for one in chain:
            late = self._frame.late_terms(one.year_id, one.exit)
            unused: Counter[str] = Counter()
            for subject, written in self._gradebook.get(one.id, {}).items():
                beyond = _given(written.terms[terms:]) + written.beyond
                unused["grade_outside_terms"] += beyond
                usable = _without(written.terms[:terms], late)
                too_late = _given(written.terms[:terms]) - _given(usable)
                unused["grade_after_exit"] += too_late
                if subject in found:
                    newer = Marks(usable, written.recovery)
                    before = found[subject]
                    found[subject] = newer if before is blank else _over(newer, before)
                else:
                    given = _given((*usable, written.recovery))
                    unused["subject_not_offered"] += given
            left_out.add(one.id, unused)
        return found


def _without(terms: Sequence[int | None], late: Set[int]) -> tuple[int | None, ...]:
    if not late:  # nearly always
        return tuple(terms)
    return tuple(None if n in late else tenths for n, tenths in enumerate(terms, 1))


def _over(newer: Marks, older: Marks) -> Marks:
    pairs = zip(newer.terms, older.terms, strict=True)
    return Marks(
        tuple(old if new is None else new for new, old in pairs),
        older.recovery if newer.recovery is None else newer.recovery,
    )


def _given(tenths: Iterable[int | None]) -> int:
    return sum(value is not None for value in tenths)


def _by_course(ended: Iterable[Place]) -> Mapping[Any, Sequence[Place]]:
    courses: dict[Any, list[Place]] = defaultdict(list)
    for place in ended:
        courses[place.course].append(place)
    return courses


def _taught(classes: Iterable[int]) -> Mapping[int, Sequence[TaughtSubject]]:
    """What each class is taught, in the order of a report card."""
    taught: dict[int, list[TaughtSubject]] = defaultdict(list)
    offerings = Offering.objects.filter(school_class__in=classes)
    ordered = offerings.order_by("subject__order", "subject__sort_key", "subject_id")
    for school_class, id, code, name, hours in ordered.values_list(
        "school_class_id", "subject_id", "subject__code", "subject__name", "hours"
    ):
        taught[school_class].append(TaughtSubject(id, code, name, hours))
    return taught
