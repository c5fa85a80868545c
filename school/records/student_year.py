"""A student's year: what is recorded of it, and how it is judged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from school.grading import decimals, labels
from school.grading.outcome import Outcome, YearRecord
from school.grading.rules import Rules
from school.grading.subjects import Standing
from school.models import RuleVersion
from school.records.attendance import DayCounts
from school.records.enrolment_rows import EnrolmentRow


@dataclass(frozen=True, slots=True)
class ClassSubject:
    """A subject as one class is taught it."""

    id: int
    code: str
    name: str
    hours: int | None
    """Of lessons in the year."""


@dataclass(frozen=True, slots=True)
class StudentYear:
    """The year at one enrolment: with what came before it, as far as it may be seen."""

    row: EnrolmentRow
    rule_version: RuleVersion | None
    """What the year is judged by."""
    subjects: Sequence[ClassSubject]
    """In the order of a report card."""
    record: YearRecord
    outcome: Outcome
    lesson_counts: DayCounts
    absence_counts: DayCounts

    @property
    def rules(self) -> Rules | None:
        return self.rule_version.rules if self.rule_version else None

    @property
    def attendance_percent(self) -> Decimal | None:
        """The percentage that is judged, to one place; of the days given without rules."""
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

    def mean(self, subject_id: int) -> Decimal | None:
        """The mean of the terms given, to two places."""
        pass_mark = self.rules.pass_mark if self.rules else None
        mean = self.outcome.subjects[subject_id].mean
        return (
            None
            if mean is None
            else decimals.round_for_display(mean, decimals=2, threshold=pass_mark)
        )

    def final_mean(self, subject_id: int) -> Decimal | None:
        """What the subject was decided by, to two places; none before."""
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

    def concept(self, subject_id: int) -> str | None:
        """The concept of the final mean, else of the mean so far, where there is a scale."""
        result = self.outcome.subjects[subject_id]
        value = result.mean if result.final_mean is None else result.final_mean
        if self.rules is None or value is None:
            return None
        return self.rules.concept(value)

    def grade(self, subject_id: int) -> Decimal | None:
        """The final mean, else the mean so far."""
        final = self.final_mean(subject_id)
        return self.mean(subject_id) if final is None else final

    def display_grade(self, subject_id: int) -> Decimal | str | None:
        """What papers say of the subject: the concept where there is a scale, else the grade."""
        return self.concept(subject_id) or self.grade(subject_id)

    def explain_subject(self, subject_id: int) -> str | None:
        """How the subject's result comes about, in words."""
        if self.rules is None:
            return None
        return labels.explain_subject(
            self.rules,
            self.record.subjects[subject_id],
            self.outcome.subjects[subject_id],
        )

    def full_explanation(self) -> str:
        """All that speaks for the situation and against it, in words."""
        return labels.full_explanation(
            self.rules, self.record, self.outcome, self._subject_names
        )

    def remedies(self) -> str:
        """What would still save the year, in words."""
        return labels.remedies(
            self.rules, self.record, self.outcome, self._subject_names
        )

    def explain_attendance(self) -> str | None:
        """How the attendance comes about, in words."""
        if self.rules is None or self.outcome.attendance is None:
            return None
        return labels.explain_attendance(
            self.rules, self.record.days, self.outcome.attendance
        )

    def _is_decided_by_exam(self, subject_id: int) -> bool:
        """Whether what the subject was decided by comes from the exam."""
        return (
            self.record.subjects[subject_id].exam is not None
            and self.outcome.subjects[subject_id].standing is not Standing.PASSED
        )

    @property
    def _subject_names(self) -> dict[int, str]:
        return {subject.id: subject.name for subject in self.subjects}


@dataclass
class SkippedRecords:
    """Records that no figure could use, by why; each once, however often it is met."""

    counts: Counter[str] = field(default_factory=Counter)
    _keys: set[tuple[int, str]] = field(default_factory=set)

    def add(self, enrolment_id: int, counts: Mapping[str, int]) -> None:
        """Take note of what was found at that enrolment: all there is of each reason."""
        for code, count in counts.items():
            if count and (enrolment_id, code) not in self._keys:
                self._keys.add((enrolment_id, code))
                self.counts[code] += count
