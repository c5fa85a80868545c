"""Exact figures from whole tenths: integers in, decimals out, no float in between."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

CENTS = Decimal("0.01")
TENTHS = Decimal("0.1")
MAX_EXTRA_DECIMALS = 12
"""How many are tried before a figure is cut; whole weights and tenths take up to seven."""


def tenths_to_grade(tenths: int | None) -> Decimal | None:
    """A grade of 0.0 to 10.0 from its tenths."""
    return None if tenths is None else Decimal(tenths).scaleb(-1)


def mean(total_tenths: int, count: int) -> Decimal | None:
    """The mean grade to two places, halves up; none of no grades."""
    return _quantize(Decimal(total_tenths) / (10 * count), CENTS) if count else None


def standard_deviation(
    total_tenths: int, total_squares: int, count: int
) -> Decimal | None:
    """The population standard deviation to two places, halves up; none of no grades.

    sqrt(n * sum(x^2) - sum(x)^2) / n, where all under the root are whole numbers.
    Of the population and not of a sample: the grades of the class are all there are.
    """
    if not count:
        return None
    with localcontext() as context:
        context.prec = 50
        root = Decimal(count * total_squares - total_tenths**2).sqrt()
        return _quantize(root / (10 * count), CENTS)


def percent(part: int, whole: int) -> Decimal | None:
    """`part` of `whole` in percent to one place, halves up; none of nothing."""
    return _quantize(Decimal(100 * part) / whole, TENTHS) if whole else None


@lru_cache(2**14)  # of a network's million means there are few different ones
def round_for_display(
    value: Fraction, *, decimals: int, threshold: Fraction | Decimal | None = None
) -> Decimal:
    """The value to so many places, halves up, on the side of the mark where it lies.

    If rounding would carry it over, it gets as many more places as it takes: 5.9975 is
    5.998 beside 6.0 and not 6.00; 74.96 is 74.96 beside 75. The value is not negative.
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
