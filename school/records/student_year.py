"""Student's year: recorded data and outcome."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from school.grading import decimals, labels
from school.grading.attendance import DatedWindow
from school.grading.outcome import EXIT_SITUATIONS, Outcome, Situation, YearRecord
from school.grading.rules import Rules
from school.grading.subjects import Standing
from school.grading.term_recoveries import apply_recoveries
from school.models import RuleVersion
from school.records.attendance import DayCounts
from school.records.enrolment_rows import EnrolmentRow

_GONE = {"transferred", "deceased"}
"""Exit reasons after which nobody here follows the student up."""
_STAYING = {"reclassified", "class_change"}
"""Exit reasons of students who go on in another class."""


@dataclass(frozen=True, slots=True)
class ClassSubject:
    """A subject as taught to one class."""

    id: int
    code: str
    name: str
    hours: int | None
    """Lesson hours in the year."""
    counts_for_promotion: bool = True
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class StudentYear:
    """A student's year as of one enrolment, with the other enrolments that it is made of."""

    row: EnrolmentRow
    rule_version: RuleVersion | None
    """Rule version that decides the year."""
    subjects: Sequence[ClassSubject]
    """Subjects in report card order."""
    record: YearRecord
    outcome: Outcome
    lesson_counts: DayCounts
    absence_counts: DayCounts
    came_late: bool
    """True if the student entered the first class of the year, of those read, after it began."""
    is_continued: bool
    """True if another enrolment of the year has the student now."""
    is_repeated: bool
    """True if a later enrolment of the student's year is read beside this one."""
    benefit_windows: Sequence[DatedWindow]
    """Windows of the Bolsa Família programme, in the order of `DayCounts.by_window`."""

    @property
    def needs_follow_up(self) -> bool:
        """Return whether the lists that the law asks for have the student here.

        They have whoever left without a word, but each student once: where the student is.
        """
        if self.is_repeated or not self.record.has_left:
            return not self.is_repeated
        return self.row.ending not in _GONE and not self.is_continued

    @property
    def is_still_at_school(self) -> bool:
        """Return whether the student has not left, or for another class only that is not known."""
        is_staying = self.row.ending in _STAYING and not self.is_continued
        return not self.is_repeated and (not self.record.has_left or is_staying)

    @property
    def rules(self) -> Rules | None:
        return self.rule_version.rules if self.rule_version else None

    @property
    def attendance_percent(self) -> Decimal | None:
        """Attendance percentage to one decimal; without rules, based on recorded lesson days."""
        result = self.outcome.attendance
        if self.rules is None or result is None:
            return decimals.percent(
                self.lesson_counts.total - self.absence_counts.total,
                self.lesson_counts.total,
            )
        threshold = self.rules.minimum_attendance
        if result.percent is None:
            return None
        return decimals.round_for_display(
            result.percent, decimals=1, threshold=threshold
        )

    @property
    def exit_situation(self) -> Situation | None:
        """The recorded end of the enrolment, also after the lessons ended; None if there is none."""
        return EXIT_SITUATIONS[self.row.ending] if self.record.has_left else None

    def mean(self, subject_id: int) -> Decimal | None:
        """Return the mean of the graded terms, to two decimals."""
        pass_mark = self.rules.pass_mark if self.rules else None
        mean = self.outcome.subjects[subject_id].mean
        return (
            None
            if mean is None
            else decimals.round_for_display(mean, decimals=2, threshold=pass_mark)
        )

    def final_mean(self, subject_id: int) -> Decimal | None:
        """Return the deciding mean to two decimals; None while undecided."""
        final, pass_mark = self.outcome.subjects[subject_id].final_mean, None
        if final is None:
            return None
        if self.rules is not None:
            arithmetic = self.rules.grade_arithmetic
            pass_mark = (
                arithmetic.recovery_pass_mark
                if self._is_decided_by_exam(subject_id)
                else arithmetic.pass_mark
            )
        return decimals.round_for_display(final, decimals=2, threshold=pass_mark)

    @property
    def is_partial(self) -> bool:
        """True while the school year is open: its results may still change."""
        return not self.row.is_closed

    def concept(self, subject_id: int) -> str | None:
        """Return the concept of the final result; None while undecided and without a scale."""
        result = self.outcome.subjects[subject_id]
        if self.rules is None:
            return None
        if self.rules.assessment == "concepts":
            is_pending = result.standing in {Standing.OPEN, Standing.RECOVERY}
            return None if is_pending else result.concept
        return (
            None if result.final_mean is None else self.rules.concept(result.final_mean)
        )

    def display_grade(self, subject_id: int) -> Decimal | str | None:
        """Return the final result: a concept if there is a scale, else the final mean.

        None while undecided: a mean so far is no final grade. A student who is exempt has a
        word instead.
        """
        if self.outcome.subjects[subject_id].standing is Standing.EXEMPT:
            return labels.exempt_mark()
        return self.concept(subject_id) or self.final_mean(subject_id)

    def term_cells(self, subject_id: int) -> tuple[Decimal | str | None, ...]:
        """Return what each term has: a grade, a concept, or a word for an exemption.

        The grade is that after the recovery of the term.
        """
        rules = self.rules
        grades = apply_recoveries(rules, self.record.subjects[subject_id])
        cells: list[Decimal | str | None]
        if grades.concepts:
            cells = list(grades.concepts)
        elif rules is not None and rules.scale:
            cells = [None if t is None else _concept_of(rules, t) for t in grades.terms]
        else:
            cells = list(map(decimals.tenths_to_grade, grades.terms))
        for number in grades.exempt_terms:
            cells[number - 1] = labels.exempt_mark()
        return tuple(cells)

    def exam_cell(self, subject_id: int) -> Decimal | str | None:
        """Return the grade of the recovery exam, or its given concept."""
        grades = self.record.subjects[subject_id]
        return grades.exam_concept or decimals.tenths_to_grade(grades.exam)

    def explain_subject(self, subject_id: int) -> str | None:
        """Return the calculation of the subject's result as text."""
        if self.rules is None:
            return None
        return labels.explain_subject(
            self.rules,
            self.record.subjects[subject_id],
            self.outcome.subjects[subject_id],
        )

    def full_explanation(self) -> str:
        """Return all reasons for and against the situation as text."""
        return labels.full_explanation(
            self.rules,
            self.record,
            self.outcome,
            self._subject_names,
            self._ended_terms,
        )

    def remedies(self) -> str:
        """Return what is still needed to pass the year as text."""
        return labels.remedies(
            self.rules, self.record, self.outcome, self._subject_names
        )

    def explain_attendance(self) -> str | None:
        """Return the calculation of the attendance as text."""
        if self.rules is None or self.outcome.attendance is None:
            return None
        return labels.explain_attendance(
            self.rules, self.record.days, self.outcome.attendance
        )

    def _is_decided_by_exam(self, subject_id: int) -> bool:
        """Return whether the final mean includes the exam."""
        return (
            self.record.subjects[subject_id].exam is not None
            and self.outcome.subjects[subject_id].standing is not Standing.PASSED
        )

    @property
    def _ended_terms(self) -> Set[int]:
        """Terms that are over, because the class has had lessons in a later one."""
        by_term = self.lesson_counts.by_term
        if self.lesson_counts.total > sum(
            by_term
        ):  # lessons after the last term of the rules
            return set(range(1, len(by_term) + 1))
        begun_terms = [n for n, days in enumerate(by_term, 1) if days]
        return set(range(1, max(begun_terms, default=1)))

    @property
    def _subject_names(self) -> dict[int, str]:
        return {subject.id: subject.name for subject in self.subjects}


def _concept_of(rules: Rules, tenths: int | Fraction) -> str | None:
    grade = decimals.tenths_to_grade(tenths)
    return None if grade is None else rules.concept(grade)


@dataclass
class SkippedRecords:
    """Counts of records left out of the figures, by reason, each counted once."""

    counts: Counter[str] = field(default_factory=Counter)
    _keys: set[tuple[int, str]] = field(default_factory=set)

    def add(self, enrolment_id: int, counts: Mapping[str, int]) -> None:
        """Add the enrolment's complete count per reason; repeated calls have no effect."""
        for code, count in counts.items():
            if count and (enrolment_id, code) not in self._keys:
                self._keys.add((enrolment_id, code))
                self.counts[code] += count
