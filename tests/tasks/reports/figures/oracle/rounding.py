"""How exact numbers are shown: rounded, but never across the mark they are compared with."""

from fractions import Fraction
from math import ceil, floor


def half_up(value: Fraction, step: Fraction) -> Fraction:
    """To whole multiples of `step`, halves away from zero; nothing here is negative."""
    return floor(value / step + Fraction(1, 2)) * step


def rounded(value: Fraction, rule: str, step: Fraction) -> Fraction:
    if rule == "half_up":
        return half_up(value, step)
    if rule == "up":
        return ceil(value / step) * step
    if rule == "down":
        return floor(value / step) * step
    return value


def plain(value: Fraction, places: int) -> str:
    """Digits of what has no more places than these."""
    scaled = value * 10**places
    assert scaled.denominator == 1
    digits = f"{abs(scaled.numerator):0{places + 1}}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def shown(
    value: Fraction | None, places: int, mark: Fraction | None = None
) -> str | None:
    """With these places, or as many more as it takes to stay on its side of the mark."""
    if value is None:
        return None
    while True:
        near = half_up(value, Fraction(1, 10**places))
        if mark is None or (near >= mark) == (value >= mark):
            return plain(near, places)
        places += 1


def grade(tenths: int | None) -> str | None:
    return None if tenths is None else plain(Fraction(tenths, 10), 1)
