"""Exact numbers as people read them, in the language that is active."""

from decimal import Decimal
from fractions import Fraction

from django.utils.formats import get_format

MOST_PLACES = 4


def number(value: Fraction | Decimal | int, places: int = 1) -> str:
    """The value with at least so many places, and as many as it takes up to four.

    What would take more is cut, never rounded, and ends with an ellipsis: "5.9333…". So
    what is shown lies on the same side of any mark as the value does.
    """
    exact = Fraction(value)
    scaled, rest = divmod(abs(exact.numerator) * 10**MOST_PLACES, exact.denominator)
    whole, part = divmod(scaled, 10**MOST_PLACES)
    digits = f"{part:0{MOST_PLACES}}"
    digits = f"{digits}…" if rest else digits.rstrip("0").ljust(places, "0")
    sign = "-" if exact < 0 else ""
    separator = get_format("DECIMAL_SEPARATOR") if digits else ""
    return f"{sign}{whole}{separator}{digits}"


def tenths(grade: int) -> str:
    """A grade from its tenths: 75 is "7.5"."""
    return number(Fraction(grade, 10))
