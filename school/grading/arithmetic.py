"""The arithmetic of a profile: means, roundings and what reaches a mark, all exact."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor


@dataclass(frozen=True, eq=False)
class Measure:
    """What a profile judges subjects by. Means and marks are grades, exams are in tenths.

    Two are equal only if they are the same: so one is a quick key of a cache.
    """

    weights: tuple[int, ...]
    """One for each term."""
    pass_mark: Fraction
    recovery_mark: Fraction
    rounding: str
    step: Fraction
    recovery: str
    mean_weight: int
    exam_weight: int
    hopeless_fails: bool

    @cached_property
    def is_plain(self) -> bool:
        """Whether all terms weigh the same 1."""
        return set(self.weights) == {1}

    @cached_property
    def total_weight(self) -> int:
        return sum(self.weights)

    @cached_property
    def has_recovery(self) -> bool:
        return self.recovery != "none"

    def rounded(self, value: Fraction) -> Fraction:
        """To a multiple of the step, by the rule."""
        match self.rounding:
            case "half_up":
                return floor(value / self.step + Fraction(1, 2)) * self.step
            case "up":
                return ceil(value / self.step) * self.step
            case "down":
                return floor(value / self.step) * self.step
        return value

    def combined(self, mean: Fraction, exam: int) -> Fraction:
        """The mean after the recovery exam, not rounded."""
        grade = Fraction(exam, 10)
        if self.recovery == "replace_if_higher":
            return max(mean, grade)
        weighted = mean * self.mean_weight + grade * self.exam_weight
        return weighted / (self.mean_weight + self.exam_weight)

    def needed_in_terms(self, total: int, weight: int) -> int:
        """The least grade that makes the mean pass when it is given in each missing term.

        `total` is the given terms' tenths times their weights, `weight` the sum of
        those. In tenths; above 100 where no grade is high enough.
        """
        missing = self.total_weight - weight
        target, is_enough = self._target(self.pass_mark)
        return _least((target * 10 * self.total_weight - total) / missing, is_enough)

    def needed_in_exam(self, mean: Fraction) -> int:
        """The least exam grade that passes, in tenths; above 100 where none does."""
        target, is_enough = self._target(self.recovery_mark)
        if self.recovery == "replace_if_higher":
            if mean > target or (is_enough and mean == target):
                return 0
            return _least(target * 10, is_enough)
        both = self.mean_weight + self.exam_weight
        return _least(
            (target * both - mean * self.mean_weight) * 10 / self.exam_weight,
            is_enough,
        )

    def _target(self, mark: Fraction) -> tuple[Fraction, bool]:
        """The bound above which a mean is rounded to the mark or more, and if it is enough."""
        # The least multiple that passes; what is rounded to it or above passes too.
        multiple = ceil(mark / self.step) * self.step
        match self.rounding:
            case "half_up":
                return multiple - self.step / 2, True
            case "up":
                return multiple - self.step, False
            case "down":
                return multiple, True
        return mark, True


def _least(tenths: Fraction, is_enough: bool) -> int:
    return max(0, ceil(tenths) if is_enough else floor(tenths) + 1)
