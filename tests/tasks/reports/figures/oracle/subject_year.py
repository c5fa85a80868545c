"""One subject of one pupil's year: its marks, its means, and what came of it."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from school import models as m
from school.grading.rules import Rules
from tests.tasks.reports.figures.oracle import rounding

HIGHEST = 100
"""Of a grade, in tenths."""
DECIDED = ("passed", "passed_after_recovery", "failed")


@dataclass
class SubjectYear:
    """The figures of one subject; grades in tenths, means as exact grades of 0 to 10."""

    subject: m.Subject
    tenths: list[int | None]
    """By term, from the first."""
    exam: int | None
    rules: Rules | None
    is_over: bool
    """Whether the year is, for a pupil who stayed to its end."""

    @cached_property
    def mean(self) -> Fraction | None:
        mean = self._mean_of(self.tenths)
        is_whole = None not in self.tenths
        return self._round(mean) if mean is not None and is_whole else mean

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
            passes = self._with_exam(self.exam) >= self.last_mark
            return "passed_after_recovery" if passes else "failed"
        is_hopeless = self._exam_needed() > HIGHEST
        is_given_up = is_hopeless and self.rules.fail_if_unrecoverable
        return "failed" if self.is_over or is_given_up else "recovery"

    @cached_property
    def final(self) -> Fraction | None:
        """Of the decided: the mean, or what the exam made of it."""
        if self.result not in DECIDED:
            return None
        return self._with_exam(self.exam) if self.was_examined else self.mean

    @property
    def was_examined(self) -> bool:
        """Whether there is an exam that counts."""
        return (
            self.rules is not None
            and self.rules.recovery_rule != "none"
            and self.exam is not None
            and None not in self.tenths
            and self.mean < self.pass_mark
        )

    @cached_property
    def needed(self) -> int | None:
        if self.result == "recovery":
            return self._exam_needed()
        return self._terms_need() if self.result == "open" else None

    @property
    def is_below(self) -> bool:
        """Whether it puts the year at risk."""
        if self.result == "open":
            return self.mean is not None and self.mean < self.pass_mark
        return self.result in ("failed", "recovery")

    @property
    def pass_mark(self) -> Fraction:
        return Fraction(self.rules.pass_mark)

    @property
    def last_mark(self) -> Fraction:
        """Where a mean passes that has the exam in it."""
        own = self.rules.recovery_pass_mark
        return self.pass_mark if own is None else Fraction(own)

    @property
    def shown_mean(self) -> str | None:
        return rounding.shown(self.mean, 2, self.rules and self.pass_mark)

    @property
    def shown_final(self) -> str | None:
        if self.final is None:
            return None
        mark = self.last_mark if self.was_examined else self.pass_mark
        return rounding.shown(self.final, 2, mark)

    @property
    def concept(self) -> str | None:
        value = self.mean if self.final is None else self.final
        if self.rules is None or value is None:
            return None
        fitting = [b for b in self.rules.scale if Fraction(b.lowest) <= value]
        return max(fitting, key=lambda b: b.lowest).label if fitting else None

    def _mean_of(self, tenths: list[int | None]) -> Fraction | None:
        weights = self.rules.term_weights if self.rules else ()
        weights = weights or (1,) * len(tenths)
        given = [(w, t) for w, t in zip(weights, tenths, strict=True) if t is not None]
        if not given:
            return None
        return Fraction(sum(w * t for w, t in given), 10 * sum(w for w, _ in given))

    def _round(self, mean: Fraction) -> Fraction:
        if self.rules is None:
            return mean
        step = Fraction(self.rules.rounding_step)
        return rounding.rounded(mean, self.rules.rounding, step)

    def _with_exam(self, tenths: int) -> Fraction:
        exam = Fraction(tenths, 10)
        if self.rules.recovery_rule == "replace_if_higher":
            return self._round(max(self.mean, exam))
        of_mean, of_exam = (
            self.rules.recovery_mean_weight,
            self.rules.recovery_exam_weight,
        )
        return self._round((self.mean * of_mean + exam * of_exam) / (of_mean + of_exam))

    def _exam_needed(self) -> int:
        tenths = 0
        while self._with_exam(tenths) < self.last_mark:
            tenths += 1
        return tenths

    def _terms_need(self) -> int:
        tenths = 0
        while True:
            filled = [tenths if t is None else t for t in self.tenths]
            if self._round(self._mean_of(filled)) >= self.pass_mark:
                return tenths
            tenths += 1
