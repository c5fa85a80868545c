"""One subject of a student's year: grades, means and result."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from school import models as m
from school.grading.rules import Rules
from tests.tasks.reports.figures.oracle import rounding

MAX_TENTHS = 100
"""Highest grade, in tenths."""
DECIDED_RESULTS = ("passed", "passed_after_recovery", "failed")


@dataclass
class SubjectYear:
    """Figures of one subject; grades in tenths, means as exact grades from 0 to 10."""

    subject: m.Subject
    tenths: list[int | None]
    """Grades by term, from the first."""
    exam: int | None
    rules: Rules | None
    is_year_over: bool
    """True if the year is over for a student who stayed to its end."""

    @cached_property
    def mean(self) -> Fraction | None:
        mean = self._mean_of(self.tenths)
        is_complete = None not in self.tenths
        return self._round(mean) if mean is not None and is_complete else mean

    @cached_property
    def result(self) -> str | None:
        if self.rules is None:
            return None
        mean = self.mean
        if mean is None or None in self.tenths:
            return "open"
        if mean >= self.pass_mark:
            return "passed"
        if self.rules.recovery_rule == "none":
            return "failed"
        if self.exam is not None:
            passes = self._mean_with_exam(self.exam) >= self.recovery_pass_mark
            return "passed_after_recovery" if passes else "failed"
        is_hopeless = self._needed_in_exam() > MAX_TENTHS
        fails_early = is_hopeless and self.rules.fail_if_unrecoverable
        return "failed" if self.is_year_over or fails_early else "recovery"

    @cached_property
    def final(self) -> Fraction | None:
        """Final mean of a decided subject, including the exam if it counts."""
        if self.result not in DECIDED_RESULTS:
            return None
        return self._mean_with_exam(self.exam) if self.has_effective_exam else self.mean

    @property
    def has_effective_exam(self) -> bool:
        """True if an exam counts."""
        return (
            self.rules is not None
            and self.rules.recovery_rule != "none"
            and self.exam is not None
            and None not in self.tenths
            and self.mean < self.pass_mark
        )

    @cached_property
    def needed_tenths(self) -> int | None:
        if self.result == "recovery":
            return self._needed_in_exam()
        return self._needed_in_terms() if self.result == "open" else None

    @property
    def is_at_risk(self) -> bool:
        """True if the subject puts the year at risk."""
        if self.result == "open":
            return self.mean is not None and self.mean < self.pass_mark
        return self.result in ("failed", "recovery")

    @property
    def pass_mark(self) -> Fraction:
        return Fraction(self.rules.pass_mark)

    @property
    def recovery_pass_mark(self) -> Fraction:
        """Pass mark of a mean that includes the exam."""
        own_mark = self.rules.recovery_pass_mark
        return self.pass_mark if own_mark is None else Fraction(own_mark)

    @property
    def display_mean(self) -> str | None:
        return rounding.round_for_display(self.mean, 2, self.rules and self.pass_mark)

    @property
    def display_final(self) -> str | None:
        if self.final is None:
            return None
        threshold = (
            self.recovery_pass_mark if self.has_effective_exam else self.pass_mark
        )
        return rounding.round_for_display(self.final, 2, threshold)

    @property
    def concept(self) -> str | None:
        value = self.mean if self.final is None else self.final
        if self.rules is None or value is None:
            return None
        bands = [b for b in self.rules.scale if Fraction(b.lowest) <= value]
        return max(bands, key=lambda b: b.lowest).label if bands else None

    def _mean_of(self, tenths: list[int | None]) -> Fraction | None:
        weights = self.rules.term_weights if self.rules else ()
        weights = weights or (1,) * len(tenths)
        weighted_grades = [
            (w, t) for w, t in zip(weights, tenths, strict=True) if t is not None
        ]
        if not weighted_grades:
            return None
        return Fraction(
            sum(w * t for w, t in weighted_grades),
            10 * sum(w for w, _ in weighted_grades),
        )

    def _round(self, mean: Fraction) -> Fraction:
        if self.rules is None:
            return mean
        step = Fraction(self.rules.rounding_step)
        return rounding.round_by_rule(mean, self.rules.rounding, step)

    def _mean_with_exam(self, tenths: int) -> Fraction:
        exam = Fraction(tenths, 10)
        if self.rules.recovery_rule == "replace_if_higher":
            return self._round(max(self.mean, exam))
        mean_weight, exam_weight = (
            self.rules.recovery_mean_weight,
            self.rules.recovery_exam_weight,
        )
        return self._round(
            (self.mean * mean_weight + exam * exam_weight) / (mean_weight + exam_weight)
        )

    def _needed_in_exam(self) -> int:
        tenths = 0
        while self._mean_with_exam(tenths) < self.recovery_pass_mark:
            tenths += 1
        return tenths

    def _needed_in_terms(self) -> int:
        tenths = 0
        while True:
            complete_grades = [tenths if t is None else t for t in self.tenths]
            if self._round(self._mean_of(complete_grades)) >= self.pass_mark:
                return tenths
            tenths += 1
