"""A student's year: what is recorded of it, and how it is judged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from school.grading import decimals, labels
from school.grading.outcome import Outcome, Year
from school.grading.rules import Rules
from school.grading.subjects import Standing
from school.models import RuleVersion
from school.records.attendance import Tally
from school.records.enrolment_rows import Place


@dataclass(frozen=True, slots=True)
class TaughtSubject:
    """A subject as one class is taught it."""

    id: int
    code: str
    name: str
    hours: int | None
    """Of lessons in the year."""


@dataclass(frozen=True, slots=True)
class StudentYear:
    """The year at one enrolment: with what came before it, as far as it may be seen."""

    place: Place
    version: RuleVersion | None
    """What the year is judged by."""
    subjects: Sequence[TaughtSubject]
    """In the order of a report card."""
    year: Year
    outcome: Outcome
    given: Tally
    absent: Tally

    @property
    def rules(self) -> Rules | None:
        return self.version.rules if self.version else None

    @property
    def attendance(self) -> Decimal | None:
        """The percentage that is judged, to one place; of the days given without rules."""
        judged = self.outcome.attendance
        if self.rules is None or judged is None:
            return decimals.percent(
                self.given.total - self.absent.total, self.given.total
            )
        mark = self.rules.minimum_attendance
        if judged.percent is None:
            return None
        return decimals.shown(judged.percent, places=1, mark=mark)

    def mean(self, subject: int) -> Decimal | None:
        """The mean of the terms given, to two places."""
        mark = self.rules.pass_mark if self.rules else None
        mean = self.outcome.subjects[subject].mean
        return None if mean is None else decimals.shown(mean, places=2, mark=mark)

    def final(self, subject: int) -> Decimal | None:
        """What the subject was decided by, to two places; none before."""
        final, mark = self.outcome.subjects[subject].final, None
        if final is None:
            return None
        if self.rules is not None:
            measure = self.rules.measure
            mark = (
                measure.recovery_mark if self._sat_exam(subject) else measure.pass_mark
            )
        return decimals.shown(final, places=2, mark=mark)

    def concept(self, subject: int) -> str | None:
        """The concept of the final mean, else of the mean so far, where there is a scale."""
        result = self.outcome.subjects[subject]
        value = result.mean if result.final is None else result.final
        if self.rules is None or value is None:
            return None
        return self.rules.concept(value)

    def grade(self, subject: int) -> Decimal | None:
        """The final mean, else the mean so far."""
        final = self.final(subject)
        return self.mean(subject) if final is None else final

    def told(self, subject: int) -> Decimal | str | None:
        """What papers say of the subject: the concept where there is a scale, else the grade."""
        return self.concept(subject) or self.grade(subject)

    def why_subject(self, subject: int) -> str | None:
        """How the subject's result comes about, in words."""
        if self.rules is None:
            return None
        return labels.subject(
            self.rules, self.year.subjects[subject], self.outcome.subjects[subject]
        )

    def reasons(self) -> str:
        """All that speaks for the situation and against it, in words."""
        return labels.account(self.rules, self.year, self.outcome, self._names)

    def saving(self) -> str:
        """What would still save the year, in words."""
        return labels.saving(self.rules, self.year, self.outcome, self._names)

    def why_attendance(self) -> str | None:
        """How the attendance comes about, in words."""
        if self.rules is None or self.outcome.attendance is None:
            return None
        return labels.attendance(self.rules, self.year.days, self.outcome.attendance)

    def _sat_exam(self, subject: int) -> bool:
        """Whether what the subject was decided by comes from the exam."""
        return (
            self.year.subjects[subject].recovery is not None
            and self.outcome.subjects[subject].standing is not Standing.PASSED
        )

    @property
    def _names(self) -> dict[int, str]:
        return {subject.id: subject.name for subject in self.subjects}


@dataclass
class LeftOut:
    """Records that no figure could use, by why; each once, however often it is met."""

    counts: Counter[str] = field(default_factory=Counter)
    _met: set[tuple[int, str]] = field(default_factory=set)

    def add(self, enrolment: int, counts: Mapping[str, int]) -> None:
        """Take note of what was found at that enrolment: all there is of each reason."""
        for code, count in counts.items():
            if count and (enrolment, code) not in self._met:
                self._met.add((enrolment, code))
                self.counts[code] += count
