"""Makes students' years, each out of the records of the enrolments that it holds."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from school.grading import outcome
from school.grading.attendance import Days
from school.grading.outcome import Year
from school.grading.subjects import Marks
from school.records import attendance, grades
from school.records.attendance import Calendars, Tally
from school.records.calendar import Frame
from school.records.curriculum import Taught
from school.records.enrolment_chains import chain
from school.records.enrolment_record import Record, packed, unpacked
from school.records.enrolment_rows import Place
from school.records.grades import Gradebook
from school.records.student_year import LeftOut, StudentYear, TaughtSubject


class Yearbook:
    """Of enrolments in these classes; `terms` is the most that one of the years has.

    `earlier` are the records that one of them may go on from.
    """

    def __init__(
        self,
        frame: Frame,
        classes: Set[int],
        earlier: Iterable[Record],
        terms: int,
        *,
        with_marks: bool,
    ) -> None:
        self._frame = frame
        self._terms = terms
        self._earlier: Mapping[Any, list[bytes]] = defaultdict(list)
        left = set()
        for record in earlier:
            self._earlier[record.place.course].append(packed(record))
            left.add(record.place.class_id)
        self._calendars = Calendars(classes | left, terms)
        self._taught = Taught(classes | left if with_marks else set())

    def year(self, record: Record, left_out: LeftOut) -> StudentYear:
        """The year at that enrolment; what no figure of it could use is added to `left_out`."""
        place = record.place
        chained, overlapping = self._chained(record)
        for other in overlapping:
            left_out.add(other.id, {"enrolment_overlaps": 1})
        version = self._frame.rules(place.year_id, place.level_id)
        subjects = self._taught.subjects(place.class_id)
        given = [self._given(one.place) for one in chained]
        absences = [
            attendance.absences(r.absences, r.place, self._terms) for r in chained
        ]
        for one, absence in zip(chained, absences, strict=True):
            left_out.add(one.place.id, {"absence_outside_enrolment": absence.outside})
        absent = sum((a.within for a in absences[1:]), absences[0].within)
        present = sum(given[1:], given[0])
        not_there = len(self._calendars.of(place)) - present.total
        year = Year(
            subjects=self._marks(chained, subjects, left_out),
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

    def _chained(self, record: Record) -> tuple[Sequence[Record], Sequence[Place]]:
        """What the year holds, oldest first and the record last; and what it cannot hold."""
        kept = self._earlier.get(record.place.course)
        if not kept:  # nearly always
            return [record], []
        earlier = list(map(unpacked, kept))
        found = chain(record.place, [one.place for one in earlier])
        by_id = {one.place.id: one for one in (*earlier, record)}
        return [by_id[place.id] for place in found.places], found.overlapping

    def _given(self, place: Place) -> Tally:
        """The days of lessons on which the student was in the class."""
        return self._calendars.of(place).between(place.entry, place.exit)

    def _marks(
        self,
        chained: Sequence[Record],
        subjects: Sequence[TaughtSubject],
        left_out: LeftOut,
    ) -> Mapping[int, Marks]:
        """Of each subject taught: its grades, from the newest enrolment that has one."""
        place = chained[-1].place
        terms = self._frame.terms(place.year_id, place.level_id)
        blank = Marks((None,) * terms)
        found = {subject.id: blank for subject in subjects}
        for record in chained:
            one = record.place
            late = self._frame.late_terms(one.year_id, one.exit)
            unused: Counter[str] = Counter()
            for subject, written in self._gradebook(record).items():
                of_year = written.terms[:terms]
                usable = _without(of_year, late)
                beyond = _given(written.terms) - _given(of_year) + written.beyond
                unused["grade_outside_terms"] += beyond
                unused["grade_after_exit"] += _given(of_year) - _given(usable)
                if subject in found:
                    newer = Marks(usable, written.recovery)
                    before = found[subject]
                    found[subject] = newer if before is blank else _over(newer, before)
                else:
                    given = _given((*usable, written.recovery))
                    unused["subject_not_offered"] += given
            left_out.add(one.id, unused)
        return found

    def _gradebook(self, record: Record) -> Gradebook:
        subjects = self._taught.by_offering(record.place.class_id)
        return grades.read(record.grades, record.exams, subjects, self._terms)


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


def _given(tenths: Sequence[int | None]) -> int:
    return len(tenths) - tenths.count(None)
