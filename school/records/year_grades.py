"""Grades of a student's year, collected from the enrolments that it consists of."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from school.grading.rules import Rules
from school.grading.subjects import SubjectGrades
from school.records import grades
from school.records.calendar import AcademicCalendar
from school.records.curriculum import Curriculum
from school.records.enrolment_record import EnrolmentRecord
from school.records.enrolment_rows import EnrolmentRow
from school.records.exemptions import Exemptions
from school.records.grades import Gradebook, GradebookEntry
from school.records.student_year import ClassSubject, SkippedRecords

_NONE_EXEMPT = frozenset[int]()


class YearMember(NamedTuple):
    """A member of the year, as `enrolment_chains.Member`, with its records."""

    row: EnrolmentRow
    is_cut: bool
    record: EnrolmentRecord


class _RecoveredTerm(NamedTuple):
    tenths: int
    recovery: int


class _Entries(NamedTuple):
    """Grades or given concepts of one subject, as far as they count."""

    terms: Sequence[Any]
    exam: Any
    exempt_terms: frozenset[int] = _NONE_EXEMPT


class GradeCollector:
    """Collector of grades; `term_count` is the highest number of terms of any year."""

    def __init__(
        self,
        calendar: AcademicCalendar,
        curriculum: Curriculum,
        exemptions: Exemptions,
        term_count: int,
    ) -> None:
        self._calendar = calendar
        self._curriculum = curriculum
        self._exemptions = exemptions
        self._term_count = term_count

    def collect(
        self,
        members: Sequence[YearMember],
        subjects: Sequence[ClassSubject],
        skipped_records: SkippedRecords,
    ) -> Mapping[int, SubjectGrades]:
        """Return grades by subject id, each from the newest member that has it.

        `members` are the enrolments of one grade level, the newest one last.
        """
        row = members[-1].row
        version = self._calendar.rule_version(row.year_id, row.level_id)
        rules = version.rules if version else None
        term_count = self._calendar.term_count(row.year_id, row.level_id)
        nothing = _Entries((None,) * term_count, None)
        collected = {subject.id: nothing for subject in subjects}
        for member in members:
            skipped_counts: Counter[str] = Counter()
            for subject_id, entries in self._member_entries(
                member,
                term_count,
                rules,
                skipped_counts,
                is_newest=member is members[-1],
            ):
                if subject_id in collected:
                    older = collected[subject_id]
                    collected[subject_id] = (
                        entries if older is nothing else _merge(entries, older)
                    )
                else:
                    count = _count_grades((*entries.terms, entries.exam))
                    skipped_counts["subject_not_offered"] += count
            if not member.is_cut:  # else nothing is told of what came after
                skipped_records.add(member.row.id, skipped_counts)
        stays = [(member.row.entry, member.row.exit) for member in members]
        outside_terms = self._calendar.terms_before_enrolment(row.year_id, stays)
        return {
            subject.id: _to_grades(collected[subject.id], subject, rules, outside_terms)
            for subject in subjects
        }

    def _member_entries(
        self,
        member: YearMember,
        term_count: int,
        rules: Rules | None,
        skipped_counts: Counter[str],
        *,
        is_newest: bool,
    ) -> Iterator[tuple[int, _Entries]]:
        """Yield what counts of each subject; count what does not."""
        row = member.row
        late_terms = self._calendar.late_terms(row.year_id, row.exit)
        numbers = set(range(1, term_count + 1))
        exempt_by_subject = self._exemptions.exempt_terms(
            row.id, numbers if is_newest else numbers - late_terms
        )
        gradebook = self._parse_gradebook(member.record)
        for subject_id, entry in gradebook.items():
            terms, exam, outside_count = _pick_form(entry, rules, skipped_counts)
            exam = None if member.is_cut else exam
            valid_terms = terms
            if late_terms or outside_count or len(terms) > term_count:  # rare
                skipped_counts["grade_outside_terms"] += outside_count
                valid_terms = _valid_terms(
                    terms, term_count, late_terms, skipped_counts
                )
            exempt_terms = exempt_by_subject.get(subject_id, _NONE_EXEMPT)
            if not exempt_terms:  # the usual case
                yield subject_id, _Entries(valid_terms, exam)
                continue
            due_terms = _blank(valid_terms, exempt_terms)
            due_exam = None if len(exempt_terms) == term_count else exam
            skipped_counts["grade_exempt"] += _count_grades(
                (*valid_terms, exam)
            ) - _count_grades((*due_terms, due_exam))
            yield subject_id, _Entries(due_terms, due_exam, exempt_terms)
        for subject_id, exempt_terms in exempt_by_subject.items():
            if subject_id not in gradebook:
                yield subject_id, _Entries((None,) * term_count, None, exempt_terms)

    def _parse_gradebook(self, record: EnrolmentRecord) -> Gradebook:
        subject_by_offering = self._curriculum.subject_by_offering(record.row.class_id)
        return grades.parse_gradebook(
            record.gradebook_json, subject_by_offering, self._term_count
        )


def _valid_terms(
    terms: Sequence[Any],
    term_count: int,
    late_terms: Set[int],
    skipped_counts: Counter[str],
) -> Sequence[Any]:
    """Return the terms of the year before the exit; count grades in others."""
    year_terms = terms[:term_count]
    valid_terms = _blank(year_terms, late_terms)
    in_year = _count_grades(year_terms)
    skipped_counts["grade_outside_terms"] += _count_grades(terms) - in_year
    skipped_counts["grade_after_exit"] += in_year - _count_grades(valid_terms)
    return valid_terms


def _pick_form(
    entry: GradebookEntry, rules: Rules | None, skipped_counts: Counter[str]
) -> tuple[Sequence[Any], Any, int]:
    """Return terms, exam and number of later terms in the form of the rules.

    Grades in another form are counted.
    """
    if rules is None or rules.assessment == "grades":
        terms: Sequence[Any] = entry.terms
        if entry.recoveries and rules is not None and rules.term_recovery != "none":
            terms = [
                _with_recovery(tenths, entry.recoveries.get(number))
                for number, tenths in enumerate(terms, 1)
            ]
        return terms, entry.exam, entry.outside_terms
    skipped_count = _count_grades((*entry.terms, entry.exam)) + entry.outside_terms
    none = [None] * len(entry.terms)
    if rules.assessment == "none":
        skipped_counts["grade_in_other_form"] += skipped_count
        return none, None, 0
    given = (*(entry.concepts or none), entry.exam_concept)
    # An open year may get rules with another scale.
    *known, exam = (c if c in rules.concept_ranks else None for c in given)
    skipped_count += _count_grades(given) - _count_grades((*known, exam))
    skipped_counts["grade_in_other_form"] += skipped_count
    return known, exam, entry.outside_concepts


def _with_recovery(tenths: int | None, recovery: int | None) -> Any:
    if tenths is None or recovery is None:
        return tenths
    return _RecoveredTerm(tenths, recovery)


def _merge(newer: _Entries, older: _Entries) -> _Entries:
    """Return each grade from the newer enrolment if it has one, or an exemption instead."""
    terms = tuple(
        old if new is None and n not in newer.exempt_terms else new
        for n, (new, old) in enumerate(zip(newer.terms, older.terms, strict=True), 1)
    )
    given_anew = {n for n, new in enumerate(newer.terms, 1) if new is not None}
    is_exempt = bool(newer.exempt_terms) and len(newer.exempt_terms) == len(terms)
    return _Entries(
        terms,
        older.exam if newer.exam is None and not is_exempt else newer.exam,
        newer.exempt_terms | (older.exempt_terms - given_anew),
    )


def _to_grades(
    entries: _Entries,
    subject: ClassSubject,
    rules: Rules | None,
    outside_terms: frozenset[int],
) -> SubjectGrades:
    terms = tuple(entries.terms)
    is_plain = rules is None or (
        rules.assessment != "concepts" and rules.term_recovery == "none"
    )
    is_due = subject.counts_for_promotion and not subject.is_optional
    if is_plain and is_due and not (entries.exempt_terms or outside_terms):
        return SubjectGrades(terms, entries.exam)  # the usual case, faster
    has_concepts = rules is not None and rules.assessment == "concepts"
    tenths, recoveries = _split_recoveries(terms)
    return SubjectGrades(
        terms=(None,) * len(terms) if has_concepts else tenths,
        exam=None if has_concepts else entries.exam,
        recoveries=recoveries,
        concepts=terms if has_concepts else (),
        exam_concept=entries.exam if has_concepts else None,
        exempt_terms=entries.exempt_terms,
        outside_terms=outside_terms,
        counts_for_promotion=subject.counts_for_promotion,
        is_optional=subject.is_optional,
    )


def _split_recoveries(
    terms: tuple[Any, ...],
) -> tuple[tuple[Any, ...], tuple[int | None, ...]]:
    """Return the grades of the terms, and those of their recoveries if there are any."""
    if not any(isinstance(term, _RecoveredTerm) for term in terms):
        return terms, ()
    pairs = [
        term if isinstance(term, _RecoveredTerm) else (term, None) for term in terms
    ]
    return tuple(tenths for tenths, _ in pairs), tuple(grade for _, grade in pairs)


def _blank(terms: Sequence[Any], numbers: Set[int]) -> Sequence[Any]:
    """Return the terms without those of these numbers."""
    if not numbers:  # the usual case
        return terms
    return tuple(None if n in numbers else term for n, term in enumerate(terms, 1))


def _count_grades(terms: Sequence[Any]) -> int:
    return len(terms) - terms.count(None)
