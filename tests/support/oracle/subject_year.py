"""One subject of a student's year: grades, means and result."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from school import models as m
from tests.support.oracle import grading, rounding


@dataclass
class SubjectYear:
    """Figures of one subject; grades in tenths, means as exact grades from 0 to 10."""

    subject: m.Subject
    tenths: list[int | None]
    """Grades by term, from the first."""
    exam: int | None
    rules: grading.RulesJson | None
    is_year_over: bool
    """True if the year is over for a student who stayed to its end."""

    @cached_property
    def _judgement(self) -> grading.SubjectJudgement | None:
        if self.rules is None:
            return None
        return grading.judge_subject(
            self.rules, self.tenths, self.exam, is_year_over=self.is_year_over
        )

    @property
    def mean(self) -> Fraction | None:
        if self._judgement is None:
            return grading.mean_of_terms(None, self.tenths)
        return self._judgement.mean

    @property
    def result(self) -> str | None:
        return self._judgement and self._judgement.standing

    @property
    def final(self) -> Fraction | None:
        """Final mean of a decided subject, including the exam if it counts."""
        return self._judgement and self._judgement.final_mean

    @property
    def has_effective_exam(self) -> bool:
        """True if an exam counts."""
        return (
            self.rules is not None
            and self.rules["recovery_rule"] != "none"
            and self.exam is not None
            and None not in self.tenths
            and self.mean < grading.pass_mark(self.rules)
        )

    @property
    def needed_tenths(self) -> int | None:
        return self._judgement and self._judgement.needed_tenths

    @property
    def is_at_risk(self) -> bool:
        """True if the subject puts the year at risk."""
        if self.result == "open":
            return self.mean is not None and self.mean < grading.pass_mark(self.rules)
        return self.result in ("failed", "recovery")

    @property
    def display_mean(self) -> str | None:
        threshold = grading.pass_mark(self.rules) if self.rules else None
        return rounding.round_for_display(self.mean, 2, threshold)

    @property
    def display_final(self) -> str | None:
        if self.final is None:
            return None
        threshold = (
            grading.recovery_pass_mark(self.rules)
            if self.has_effective_exam
            else grading.pass_mark(self.rules)
        )
        return rounding.round_for_display(self.final, 2, threshold)

    @property
    def concept(self) -> str | None:
        value = self.mean if self.final is None else self.final
        if self.rules is None or value is None:
            return None
        return grading.concept(self.rules, value)
