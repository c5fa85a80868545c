"""Exact decimal figures computed from integer tenths, with no float."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

CENTS = Decimal("0.01")
TENTHS = Decimal("0.1")
MAX_EXTRA_DECIMALS = 12
"""Extra decimals tried before a figure is cut; integer weights and tenths need up to seven."""


def tenths_to_grade(tenths: int | Fraction | None) -> Decimal | None:
    """Convert tenths (0 to 100) to a grade (0.0 to 10.0); half a tenth is exact."""
    if isinstance(tenths, Fraction):
        return Decimal(tenths.numerator).scaleb(-1) / tenths.denominator
    return None if tenths is None else Decimal(tenths).scaleb(-1)


def mean(total_tenths: int, count: int) -> Decimal | None:
    """Return the mean grade to two decimals, rounded half up; None if `count` is 0."""
    return _quantize(Decimal(total_tenths) / (10 * count), CENTS) if count else None


def standard_deviation(
    total_tenths: int, total_squares: int, count: int
) -> Decimal | None:
    """Return the population standard deviation to two decimals, half up; None if `count` is 0.

    The formula sqrt(n * sum(x^2) - sum(x)^2) / n keeps everything under the root an
    integer. The population form applies because the class's grades are the whole
    population, not a sample.
    """
    if not count:
        return None
    with localcontext() as context:
        context.prec = 50
        root = Decimal(count * total_squares - total_tenths**2).sqrt()
        return _quantize(root / (10 * count), CENTS)


def percent(part: int, whole: int) -> Decimal | None:
    """Return `part` as a percentage of `whole` to one decimal, half up; None if `whole` is 0."""
    return _quantize(Decimal(100 * part) / whole, TENTHS) if whole else None


@lru_cache(2**14)  # a network has a million means but few distinct ones
def round_for_display(
    value: Fraction, *, decimals: int, threshold: Fraction | Decimal | None = None
) -> Decimal:
    """Round half up to `decimals` places without crossing the threshold.

    If rounding would cross the threshold, more decimals are used until it does not:
    5.9975 becomes 5.998 and not 6.00 for a threshold of 6.0; 74.96 stays 74.96 for 75.
    The value must not be negative.
    """
    if threshold is None:
        return _round_half_up(value, decimals)
    bound = Fraction(threshold)
    for precision in range(decimals, decimals + MAX_EXTRA_DECIMALS):
        candidate = _round_half_up(value, precision)
        if (candidate >= bound) == (value >= bound):
            return candidate
    return _round_toward_threshold(
        value, decimals + MAX_EXTRA_DECIMALS, upwards=value >= bound
    )


def _round_half_up(value: Fraction, decimals: int) -> Decimal:
    numerator = 2 * value.numerator * 10**decimals + value.denominator
    return Decimal(numerator // (2 * value.denominator)).scaleb(-decimals)


def _round_toward_threshold(
    value: Fraction, decimals: int, *, upwards: bool
) -> Decimal:
    scaled_value = value * 10**decimals
    return Decimal(ceil(scaled_value) if upwards else floor(scaled_value)).scaleb(
        -decimals
    )


def _quantize(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_HALF_UP)
