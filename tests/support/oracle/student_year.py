"""One student's year: subjects, days and situation."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from django.db import models

from school import models as m
from tests.support.oracle import grading
from tests.support.oracle.days import Days
from tests.support.oracle.subject_year import SubjectYear


class Records:
    """All records, read once and grouped by owner."""

    def __init__(self, network: m.Network | None = None) -> None:
        self._network = network
        self.grades = self._group_by("enrolment", m.Grade, "offering")
        self.exams = self._group_by("enrolment", m.RecoveryGrade, "offering")
        self.absences = self._group_by("enrolment", m.Absence, "session")
        self.sessions = self._group_by("school_class", m.ClassSession)
        self.offerings = self._group_by("school_class", m.Offering, "subject")
        self.terms = self._group_by("school_year", m.Term)
        self._rules = self._group_by("school_year", m.YearRules, "version")

    def _group_by(self, owner: str, model: type, *related: str) -> dict[int, list]:
        """Return all records of a model by owner id."""
        groups = defaultdict(list)
        records = model.objects.select_related(*related).order_by("pk")
        if self._network is not None:
            path = {"enrolment": "enrolment__student__network", "school_year": "school_year__network"}  # fmt: skip
            of_network = path.get(owner, "school_class__school__network")
            records = records.filter(**{of_network: self._network})
        for record in records:
            groups[getattr(record, f"{owner}_id")].append(record)
        return dict(groups)

    def rules_of(self, e: m.Enrolment) -> grading.RulesJson | None:
        """Return the rules of the level, or else those of the levels without their own."""
        year_rules = self._rules.get(e.school_class.school_year_id, [])
        for level in (e.grade_level_id, None):
            for row in year_rules:
                if row.grade_level_id == level:
                    return row.version.content
        return None

    def subjects_of(self, class_id: int) -> list[m.Offering]:
        """Return the subjects of a class in report-card order."""
        return sorted(
            self.offerings.get(class_id, []),
            key=lambda o: (o.subject.order, bytes(o.subject.sort_key), o.subject_id),
        )


class StudentYear:
    """School year of the newest enrolment in a chain."""

    def __init__(
        self,
        chain: list[m.Enrolment],
        records: Records,
        overlapping: Iterable[m.Enrolment] = (),
    ) -> None:
        self.chain = chain
        self.overlapping = overlapping
        self.enrolment = chain[0]
        self._records = records
        self.rules = records.rules_of(self.enrolment)
        self.days = Days(chain, records.sessions, records.absences, self.rules)

    @cached_property
    def terms(self) -> int:
        if self.rules is not None:
            return self.rules["terms"]
        year = self.enrolment.school_class.school_year_id
        return len(self._records.terms.get(year, []))

    @cached_property
    def subjects(self) -> list[SubjectYear]:
        offerings = self._records.subjects_of(self.enrolment.school_class_id)
        return [self._subject(offering.subject) for offering in offerings]

    def _subject(self, subject: m.Subject) -> SubjectYear:
        numbers = range(1, self.terms + 1)
        tenths = [self._newest_grade(subject.pk, number) for number in numbers]
        exams = [
            exam.tenths
            for e in self.chain
            for exam in self._records.exams.get(e.pk, [])
            if exam.offering.subject_id == subject.pk
        ]
        exam = exams[0] if exams else None
        is_year_over = self._is_closed and not self.has_left
        return SubjectYear(subject, tenths, exam, self.rules, is_year_over)

    def _newest_grade(self, subject: int, term: int) -> int | None:
        """Return the newest grade that counts."""
        for e in self.chain:
            for grade in self._records.grades.get(e.pk, []):
                is_match = grade.term == term and grade.offering.subject_id == subject
                if is_match and grade.tenths is not None and not self._is_late(e, term):
                    return grade.tenths
        return None

    def _is_late(self, e: m.Enrolment, number: int) -> bool:
        """Return whether the term began after the student had left."""
        terms = self._records.terms.get(e.school_class.school_year_id, [])
        return any(
            term.number == number
            and e.exit_date is not None
            and term.starts_on >= e.exit_date
            for term in terms
        )

    def skipped_records(self) -> Iterable[tuple[str, models.Model]]:
        """Yield the reason and record of everything skipped."""
        for enrolment in self.overlapping:
            yield "enrolment_overlaps", enrolment
        subject_ids = {subject.subject.pk for subject in self.subjects}
        for e in self.chain:
            for grade in self._records.grades.get(e.pk, []):
                # A null grade does not count as skipped.
                reason = None if grade.tenths is None else self._skip_reason(e, grade)
                if reason:
                    yield reason, grade
            for exam in self._records.exams.get(e.pk, []):
                if exam.offering.subject_id not in subject_ids:
                    yield "subject_not_offered", exam
        for absence in self.days.absences_outside_enrolment:
            yield "absence_outside_enrolment", absence

    def _skip_reason(self, e: m.Enrolment, grade: m.Grade) -> str | None:
        if grade.term > self.terms:
            return "grade_outside_terms"
        if self._is_late(e, grade.term):
            return "grade_after_exit"
        subject_ids = {subject.subject.pk for subject in self.subjects}
        is_offered = grade.offering.subject_id in subject_ids
        return None if is_offered else "subject_not_offered"

    @cached_property
    def situation(self) -> str | None:
        return grading.decide_situation(
            self.rules,
            [(subject.result, True) for subject in self.subjects],
            self.days.judgement,
            self._ending,
            is_closed=self._is_closed,
            by_council=self.enrolment.approved_by_council,
        )

    @property
    def _is_closed(self) -> bool:
        return self.enrolment.school_class.school_year.is_closed

    @property
    def has_left(self) -> bool:
        return self._ending is not None

    @property
    def exit_situation(self) -> str | None:
        return grading.SITUATION_BY_ENDING[self._ending] if self.has_left else None

    @property
    def _ending(self) -> str | None:
        """Reason of the exit; None for a student who stayed to the end of the year."""
        e = self.enrolment
        if e.exit_date is None:
            return None
        ends_on = e.school_class.school_year.ends_on
        is_completed = e.ending == "" and e.exit_date >= ends_on
        return None if is_completed else e.ending
