"""Rounding of exact numbers, and their display, never across their threshold."""

from fractions import Fraction


def round_to_step(value: Fraction, rule: str, step: Fraction) -> Fraction:
    """Round to a multiple of `step` by the rule; values are not negative."""
    below = value - value % step
    if rule == "none" or below == value:
        return value
    if rule == "up":
        return below + step
    if rule == "down":
        return below
    return below if value - below < below + step - value else below + step


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
        candidate = round_to_step(value, "half_up", Fraction(1, 10**decimals))
        if threshold is None or (candidate >= threshold) == (value >= threshold):
            return format_exact(candidate, decimals)
        decimals += 1


def format_grade(tenths: int | Fraction | None) -> str | None:
    """Format a grade with one decimal, or with two if it has half a tenth."""
    if tenths is None:
        return None
    return format_exact(Fraction(tenths) / 10, 1 if Fraction(tenths) % 1 == 0 else 2)
