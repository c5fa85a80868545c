"""One student's year: subjects, days and situation."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from django.db import models

from school import models as m
from tests.support.oracle import duties, grading
from tests.support.oracle.days import Days
from tests.support.oracle.duties import EXEMPT, Entries
from tests.support.oracle.subject_year import SubjectYear
from tests.support.oracle.visibility import Stay


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
        self.exemptions = self._group_by("enrolment", m.Exemption, "offering")
        self._levels = defaultdict(set)
        for pair in m.Offering.grade_levels.through.objects.all():
            self._levels[pair.offering_id].add(pair.gradelevel_id)
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

    def subjects_of(
        self, class_id: int, level_id: int | None = None
    ) -> list[m.Offering]:
        """Return the subjects of the class, or of a level of it, in report-card order."""
        return sorted(
            [
                o
                for o in self.offerings.get(class_id, [])
                if not (level_id and self._levels[o.pk])
                or level_id in self._levels[o.pk]
            ],
            key=lambda o: (o.subject.order, bytes(o.subject.sort_key), o.subject_id),
        )


class StudentYear:
    """School year as of an enrolment."""

    def __init__(
        self,
        enrolment: m.Enrolment,
        chain: list[Stay],
        records: Records,
        *,
        is_continued: bool,
        is_repeated: bool = False,
    ) -> None:
        self.enrolment = enrolment
        self.chain = chain
        self.is_continued = is_continued
        self.is_repeated = is_repeated
        self._records = records
        self._is_cut = next(s.is_cut for s in chain if s.enrolment == enrolment)
        is_judged = enrolment.school_class.kind == "regular"
        self.rules = records.rules_of(enrolment) if is_judged else None
        self.days = Days(
            chain,
            records.sessions,
            records.absences,
            self.rules,
            enrolment,
            self._is_closed,
            set(records.offerings),
        )

    @cached_property
    def terms(self) -> int:
        if self.rules is not None:
            return self.rules["terms"]
        year = self.enrolment.school_class.school_year_id
        return len(self._records.terms.get(year, []))

    @property
    def _graded(self) -> list[Stay]:
        """Stays at the same grade level."""
        level = self.enrolment.grade_level_id
        return [stay for stay in self.chain if stay.enrolment.grade_level_id == level]

    @property
    def offerings(self) -> list[m.Offering]:
        """Subjects of the class; if it teaches none, of the newest that teaches some."""
        level = self.enrolment.grade_level_id
        classes = [self.enrolment, *(stay.enrolment for stay in self._graded)]
        for e in classes:
            if offerings := self._records.subjects_of(e.school_class_id, level):
                return offerings
        return []

    @property
    def possible_offerings(self) -> list[m.Offering]:
        """Subjects of the class; if it teaches none, of all classes at the level."""
        e = self.enrolment
        own = self._records.subjects_of(e.school_class_id, e.grade_level_id)
        classes = [stay.enrolment.school_class_id for stay in self._graded]
        return own or [
            o for pk in classes for o in self._records.subjects_of(pk, e.grade_level_id)
        ]

    @cached_property
    def subjects(self) -> list[SubjectYear]:
        return [self._subject(offering) for offering in self.offerings]

    def _subject(self, offering: m.Offering) -> SubjectYear:
        entries = self._entries(offering)
        is_year_over = self.is_decided
        has_future = not self._is_closed and not self.has_left
        return SubjectYear(offering, entries, self.rules, is_year_over, has_future)

    def _entries(self, offering: m.Offering) -> Entries:
        numbers = range(1, self.terms + 1)
        found = [self._newest_entry(offering.subject_id, n) for n in numbers]
        exempt = {n for n in numbers if found[n - 1] is EXEMPT}
        duty = grading.Duty(
            exempt,
            duties.terms_without_stay(self._graded, self._term_records),
            offering.is_optional,
        )
        terms = [None if entry is EXEMPT else entry for entry in found]
        return Entries(terms, self._newest_exam(offering.subject_id), duty)

    def _newest_entry(self, subject: int, term: int) -> object | None:
        """Return the newest grade that counts, or EXEMPT if an exemption is newer."""
        for stay in self._graded:
            if term in self._exempt_numbers(stay, subject):
                return EXEMPT
            for grade in self._records.grades.get(stay.enrolment.pk, []):
                is_match = grade.term == term and grade.offering.subject_id == subject
                value = duties.value_of(grade, self.rules)
                if is_match and value is not None and not self._is_late(stay, term):
                    return value
        return None

    def _newest_exam(self, subject: int) -> object | None:
        for stay in self._graded:
            if self.terms and len(self._exempt_numbers(stay, subject)) == self.terms:
                return None
            exams = self._records.exams.get(stay.enrolment.pk, [])
            for exam in [] if stay.is_cut else exams:
                value = duties.value_of(exam, self.rules)
                if exam.offering.subject_id == subject and value is not None:
                    return value
        return None

    def _exempt_numbers(self, stay: Stay, subject: int) -> list[int]:
        return duties.exempt_numbers(
            stay,
            subject,
            self._records.exemptions.get(stay.enrolment.pk, []),
            self.terms,
            self._term_records,
            is_newest=stay == self._graded[0],
        )

    @property
    def _term_records(self) -> list[m.Term]:
        year = self.enrolment.school_class.school_year_id
        return self._records.terms.get(year, [])

    def _is_late(self, stay: Stay, number: int) -> bool:
        """Return whether the term began after the student had left."""
        return duties.is_late(stay, number, self._term_records)

    def skipped_records(self) -> Iterable[tuple[str, models.Model]]:
        """Yield the reason and record of everything skipped."""
        subject_ids = {subject.subject.pk for subject in self.subjects}
        for stay in self._graded:
            if stay.is_cut:  # nothing is told of what came after
                continue
            for grade in self._records.grades.get(stay.enrolment.pk, []):
                # A null grade does not count as skipped.
                is_empty = grade.tenths is None and not self._has_concept(grade)
                reason = None if is_empty else self._skip_reason(stay, grade)
                if reason:
                    yield reason, grade
            yield from self._skipped_exams(stay, subject_ids)
        for absence in self.days.absences_outside_enrolment:
            yield "absence_outside_enrolment", absence

    def _skipped_exams(
        self, stay: Stay, subject_ids: set[int]
    ) -> Iterable[tuple[str, models.Model]]:
        for exam in self._records.exams.get(stay.enrolment.pk, []):
            if exam.tenths is None and not self._has_concept(exam):
                continue
            exempt = self._exempt_numbers(stay, exam.offering.subject_id)
            if duties.value_of(exam, self.rules) is None:
                yield "grade_in_other_form", exam
            elif self.terms and len(exempt) == self.terms:
                yield "grade_exempt", exam
            elif exam.offering.subject_id not in subject_ids:
                yield "subject_not_offered", exam

    def _has_concept(self, grade: m.Grade | m.RecoveryGrade) -> bool:
        """Return whether there is a concept, where the rules have given concepts."""
        has_concepts = self.rules is not None and self.rules["assessment"] == "concepts"
        return has_concepts and grade.concept != ""

    def _skip_reason(self, stay: Stay, grade: m.Grade) -> str | None:
        if duties.value_of(grade, self.rules) is None:
            return "grade_in_other_form"
        if grade.term > self.terms:
            return "grade_outside_terms"
        if self._is_late(stay, grade.term):
            return "grade_after_exit"
        if grade.term in self._exempt_numbers(stay, grade.offering.subject_id):
            return "grade_exempt"
        subject_ids = {subject.subject.pk for subject in self.subjects}
        is_offered = grade.offering.subject_id in subject_ids
        return None if is_offered else "subject_not_offered"

    @cached_property
    def situation(self) -> str | None:
        return grading.decide_situation(
            self.rules,
            [(subject.result, subject.counts) for subject in self.subjects],
            self.days.judgement,
            self._ending,
            is_closed=self._is_closed,
            by_council=self.enrolment.approved_by_council and not self._is_cut,
            retained_by_council=(
                self.enrolment.retained_by_council and not self._is_cut
            ),
        )

    @property
    def absences_left(self) -> int | None:
        """Number of further absences allowed; None for who has left."""
        is_gone = self.has_left or self._ending is not None
        return None if is_gone else self.days.absences_left

    @property
    def is_open(self) -> bool:
        return not self._is_closed

    @property
    def _is_closed(self) -> bool:
        # What came after a cut is not known.
        return self.enrolment.school_class.school_year.is_closed and not self._is_cut

    @property
    def is_followed_up_here(self) -> bool:
        """Return whether lists must have the student here."""
        is_gone = self.enrolment.ending in ("transferred", "deceased")
        if self.is_repeated:
            return False
        return not self.has_left or not is_gone and not self.is_continued

    @property
    def is_at_school(self) -> bool:
        """Return whether the student is still at school, as far as this class knows."""
        goes_on = self.enrolment.ending in ("reclassified", "class_change")
        if self.is_repeated:
            return False
        return not self.has_left or goes_on and not self.is_continued

    @property
    def has_left(self) -> bool:
        """True after an exit with a reason, even after the lessons, or before they ended."""
        e = self.enrolment
        if e.exit_date is None or self._is_cut:
            return False
        return self._ending is not None or e.ending != ""

    @property
    def exit_situation(self) -> str | None:
        if not self.has_left:
            return None
        return grading.SITUATION_BY_ENDING[self.enrolment.ending]

    @property
    def _ending(self) -> str | None:
        """Reason of an exit before the lessons ended; None for who stayed until then."""
        e = self.enrolment
        if e.exit_date is None or self._is_cut or self._stayed(e):
            return None
        return e.ending

    @property
    def is_decided(self) -> bool:
        """Return whether the year is closed for a student who stayed until its lessons ended."""
        return self._is_closed and self._ending is None

    @property
    def came_late(self) -> bool:
        """Return whether lessons had begun in the first class of the year before the entry.

        They begin with the first term, or with the first lesson if that is within it.
        """
        first = min(self.chain, key=lambda stay: stay.enrolment.entry_date).enrolment
        year = first.school_class.school_year
        starts = sorted(term.starts_on for term in self._term_records)
        begin = starts[0] if starts else year.starts_on
        end = starts[1] if len(starts) > 1 else year.ends_on
        lessons = self._records.sessions.get(first.school_class_id, [])
        first_lesson = min((lesson.date for lesson in lessons), default=begin)
        if begin <= first_lesson < end:
            begin = first_lesson
        return first.entry_date > begin

    def _stayed(self, e: m.Enrolment) -> bool:
        """Return whether the exit is after all lessons, those recorded and those to come.

        Lessons are to come until the end of the last term or of a year without terms. In a
        closed year none is to come, but a term of which no lesson is recorded may have had some.
        """
        year = e.school_class.school_year
        if e.ending == "" and e.exit_date >= year.ends_on:
            return True
        lessons = self._records.sessions.get(e.school_class_id, [])
        if any(lesson.date >= e.exit_date for lesson in lessons):
            return False
        terms = self._records.terms.get(year.pk, [])
        ends = [term.ends_on for term in terms] or [year.ends_on]
        if all(end < e.exit_date for end in ends):
            return True
        has_term_to_come = any(term.starts_on >= e.exit_date for term in terms)
        return year.is_closed and lessons != [] and not has_term_to_come
