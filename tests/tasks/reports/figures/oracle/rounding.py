"""Display of exact numbers: rounded, but never across their threshold."""

from fractions import Fraction
from math import ceil, floor


def round_half_up(value: Fraction, step: Fraction) -> Fraction:
    """Round to whole multiples of `step`, halves up; values are not negative."""
    return floor(value / step + Fraction(1, 2)) * step


def round_by_rule(value: Fraction, rule: str, step: Fraction) -> Fraction:
    if rule == "half_up":
        return round_half_up(value, step)
    if rule == "up":
        return ceil(value / step) * step
    if rule == "down":
        return floor(value / step) * step
    return value


def format_exact(value: Fraction, decimals: int) -> str:
    """Format a value that has at most this many decimals."""
    scaled = value * 10**decimals
    assert scaled.denominator == 1
    digits = f"{abs(scaled.numerator):0{decimals + 1}}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def round_for_display(
    value: Fraction | None, decimals: int, threshold: Fraction | None = None
) -> str | None:
    """Round to these decimals, or to as many as keep the value on its side of the threshold."""
    if value is None:
        return None
    while True:
        candidate = round_half_up(value, Fraction(1, 10**decimals))
        if threshold is None or (candidate >= threshold) == (value >= threshold):
            return format_exact(candidate, decimals)
        decimals += 1


def format_grade(tenths: int | None) -> str | None:
    return None if tenths is None else format_exact(Fraction(tenths, 10), 1)
