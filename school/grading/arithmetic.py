"""The arithmetic of a profile: means, roundings and what reaches a mark, all exact."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor


@dataclass(frozen=True, eq=False)
class GradeArithmetic:
    """What a profile judges subjects by. Means and marks are grades, exams are in tenths.

    Two are equal only if they are the same: so one is a quick key of a cache.
    """

    weights: tuple[int, ...]
    """One for each term."""
    pass_mark: Fraction
    recovery_pass_mark: Fraction
    rounding: str
    rounding_step: Fraction
    recovery_rule: str
    mean_weight: int
    exam_weight: int
    fail_if_unrecoverable: bool

    @cached_property
    def is_unweighted(self) -> bool:
        """Whether all terms weigh the same 1."""
        return set(self.weights) == {1}

    @cached_property
    def total_weight(self) -> int:
        return sum(self.weights)

    @cached_property
    def has_recovery(self) -> bool:
        return self.recovery_rule != "none"

    def round_to_step(self, value: Fraction) -> Fraction:
        """To a multiple of the step, by the rule."""
        match self.rounding:
            case "half_up":
                return (
                    floor(value / self.rounding_step + Fraction(1, 2))
                    * self.rounding_step
                )
            case "up":
                return ceil(value / self.rounding_step) * self.rounding_step
            case "down":
                return floor(value / self.rounding_step) * self.rounding_step
        return value

    def combine_with_exam(self, mean: Fraction, exam: int) -> Fraction:
        """The mean after the recovery exam, not rounded."""
        grade = Fraction(exam, 10)
        if self.recovery_rule == "replace_if_higher":
            return max(mean, grade)
        weighted_sum = mean * self.mean_weight + grade * self.exam_weight
        return weighted_sum / (self.mean_weight + self.exam_weight)

    def needed_term_grade(self, total: int, weight: int) -> int:
        """The least grade that makes the mean pass when it is given in each missing term.

        `total` is the given terms' tenths times their weights, `weight` the sum of
        those. In tenths; above 100 where no grade is high enough.
        """
        missing_weight = self.total_weight - weight
        bound, is_inclusive = self._rounding_bound(self.pass_mark)
        return _min_tenths(
            (bound * 10 * self.total_weight - total) / missing_weight, is_inclusive
        )

    def needed_exam_grade(self, mean: Fraction) -> int:
        """The least exam grade that passes, in tenths; above 100 where none does."""
        bound, is_inclusive = self._rounding_bound(self.recovery_pass_mark)
        if self.recovery_rule == "replace_if_higher":
            if mean > bound or (is_inclusive and mean == bound):
                return 0
            return _min_tenths(bound * 10, is_inclusive)
        weight_sum = self.mean_weight + self.exam_weight
        return _min_tenths(
            (bound * weight_sum - mean * self.mean_weight) * 10 / self.exam_weight,
            is_inclusive,
        )

    def _rounding_bound(self, pass_mark: Fraction) -> tuple[Fraction, bool]:
        """The bound above which a mean is rounded to the mark or more, and if it is enough."""
        # The least multiple that passes; what is rounded to it or above passes too.
        multiple = ceil(pass_mark / self.rounding_step) * self.rounding_step
        match self.rounding:
            case "half_up":
                return multiple - self.rounding_step / 2, True
            case "up":
                return multiple - self.rounding_step, False
            case "down":
                return multiple, True
        return pass_mark, True


def _min_tenths(bound: Fraction, is_inclusive: bool) -> int:
    return max(0, ceil(bound) if is_inclusive else floor(bound) + 1)
