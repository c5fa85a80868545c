"""One pupil's year as a whole: its subjects, its days, its situation."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from school import models as m
from school.rules.profile import Rules
from tests.figures.oracle.days import Days
from tests.figures.oracle.marks import SubjectYear

AFTER = {
    "transferred": "transferred", "abandoned": "abandoned", "reclassified": "reclassified",
    "deceased": "deceased", "class_change": "class_changed", "": "left",
}  # fmt: skip


class Records:
    """Everything there is, read once, and grouped by what it belongs to."""

    def __init__(self) -> None:
        self.grades = self._by("enrolment_id", m.Grade, "offering")
        self.exams = self._by("enrolment_id", m.RecoveryGrade, "offering")
        self.absences = self._by("enrolment_id", m.Absence, "session")
        self.sessions = self._by("school_class_id", m.ClassSession)
        self.offerings = self._by("school_class_id", m.Offering, "subject")
        self.terms = self._by("school_year_id", m.Term)
        self._rules = list(m.YearRules.objects.select_related("version"))

    @staticmethod
    def _by(key: str, model: type, *needed: str) -> dict[int, list]:
        groups = defaultdict(list)
        for record in model.objects.select_related(*needed).order_by("pk"):
            groups[getattr(record, key)].append(record)
        return dict(groups)

    def rules_of(self, e: m.Enrolment) -> Rules | None:
        """Those of the level, else those of the other levels."""
        for level in (e.grade_level_id, None):
            for row in self._rules:
                is_of_year = row.school_year_id == e.school_class.school_year_id
                if is_of_year and row.grade_level_id == level:
                    return row.version.rules
        return None

    def subjects_of(self, class_id: int) -> list[m.Offering]:
        """As they stand on a report card."""
        return sorted(
            self.offerings.get(class_id, []),
            key=lambda o: (o.subject.order, bytes(o.subject.sort_key), o.subject_id),
        )


class Year:
    """The year of the chain's newest enrolment."""

    def __init__(self, chain: list[m.Enrolment], records: Records) -> None:
        self.chain = chain
        self.enrolment = chain[0]
        self._records = records
        self.rules = records.rules_of(self.enrolment)
        self.days = Days(chain, records.sessions, records.absences, self.rules)

    @cached_property
    def terms(self) -> int:
        if self.rules is not None:
            return self.rules.terms
        year = self.enrolment.school_class.school_year_id
        return len(self._records.terms.get(year, []))

    @cached_property
    def subjects(self) -> list[SubjectYear]:
        offered = self._records.subjects_of(self.enrolment.school_class_id)
        return [self._subject(offering.subject) for offering in offered]

    def _subject(self, subject: m.Subject) -> SubjectYear:
        numbers = range(1, self.terms + 1)
        tenths = [self._grade(subject.pk, number) for number in numbers]
        exams = [
            exam.tenths
            for e in self.chain
            for exam in self._records.exams.get(e.pk, [])
            if exam.offering.subject_id == subject.pk
        ]
        return SubjectYear(subject, tenths, exams[0] if exams else None, self.rules)

    def _grade(self, subject: int, term: int) -> int | None:
        """The newest that was given, of those that count."""
        for e in self.chain:
            for grade in self._records.grades.get(e.pk, []):
                is_it = grade.term == term and grade.offering.subject_id == subject
                if is_it and grade.tenths is not None and not self._is_late(e, term):
                    return grade.tenths
        return None

    def _is_late(self, e: m.Enrolment, number: int) -> bool:
        """Whether that term began when the pupil had left already."""
        terms = self._records.terms.get(e.school_class.school_year_id, [])
        return any(
            term.number == number
            and e.exit_date is not None
            and term.starts_on >= e.exit_date
            for term in terms
        )

    def left_out(self) -> Iterable[str]:
        """Why each record that counts for nothing does not, a word for each record."""
        offered = {subject.subject.pk for subject in self.subjects}
        for e in self.chain:
            for grade in self._records.grades.get(e.pk, []):
                if grade.term > self.terms:
                    yield "grade_outside_terms"
                elif self._is_late(e, grade.term):
                    yield "grade_after_exit"
                elif grade.offering.subject_id not in offered:
                    yield "subject_not_offered"
        yield from ["absence_outside_enrolment"] * self.days.left_out

    @cached_property
    def situation(self) -> str | None:
        gone = self._gone()
        if gone or self.rules is None:
            return gone
        results = [subject.result for subject in self.subjects]
        if not results or "open" in results:
            is_closed = self.enrolment.school_class.school_year.is_closed
            return "incomplete" if is_closed else "in_progress"
        if "recovery" in results:
            return "in_recovery"
        return self._end(results)

    def _gone(self) -> str | None:
        e = self.enrolment
        if e.exit_date is None:
            return None
        ends_on = e.school_class.school_year.ends_on
        stayed = e.ending == "" and e.exit_date >= ends_on
        return None if stayed else AFTER[e.ending]

    def _end(self, results: list[str]) -> str:
        failed = results.count("failed")
        if self.days.is_enough is False:
            return "failed" if failed else "failed_by_attendance"
        if not failed:
            needed_exam = "passed_after_recovery" in results
            return "approved_after_recovery" if needed_exam else "approved"
        if self.enrolment.approved_by_council:
            return "approved_by_council"
        return "approved_with_dependency" if failed <= self.rules.dependencies else "failed"  # fmt: skip
