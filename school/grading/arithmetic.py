"""Exact grade arithmetic of a rule profile: means, rounding and needed grades."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor


@dataclass(frozen=True, eq=False)
class GradeArithmetic:
    """Numbers of a rule profile that decide a subject.

    Means and pass marks are grades (0 to 10), exams and needed grades are in tenths.
    Equality is identity (`eq=False`), which makes an instance a cheap cache key.
    """

    weights: tuple[int, ...]
    """One weight per term."""
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
        """True if every term has the weight 1."""
        return set(self.weights) == {1}

    @cached_property
    def total_weight(self) -> int:
        return sum(self.weights)

    @cached_property
    def has_recovery(self) -> bool:
        return self.recovery_rule != "none"

    def round_to_step(self, value: Fraction) -> Fraction:
        """Round to a multiple of `rounding_step` by the `rounding` rule."""
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
        """Return the unrounded mean after the recovery exam; `exam` is in tenths."""
        grade = Fraction(exam, 10)
        if self.recovery_rule == "replace_if_higher":
            return max(mean, grade)
        weighted_sum = mean * self.mean_weight + grade * self.exam_weight
        return weighted_sum / (self.mean_weight + self.exam_weight)

    def needed_term_grade(self, total: int | Fraction, weight: int) -> int:
        """Return the lowest grade in tenths that passes if every missing term gets it.

        `total` is the sum of tenths times weight over the graded terms, `weight` the sum
        of their weights. Above 100 if no grade is high enough.
        """
        missing_weight = self.total_weight - weight
        bound, is_inclusive = self._rounding_bound(self.pass_mark)
        return _min_tenths(
            (bound * 10 * self.total_weight - total) / missing_weight, is_inclusive
        )

    def needed_exam_grade(self, mean: Fraction) -> int:
        """Return the lowest exam grade in tenths that passes; above 100 if none does."""
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
        """Return the lowest mean that rounds to `pass_mark`, and if the bound itself does."""
        # The smallest multiple of the step that passes: any mean rounded to it passes.
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
