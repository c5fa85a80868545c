"""Exact numbers as people read them, in the language that is active."""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from django.utils.formats import get_format
from django.utils.translation import get_language

MOST_PLACES = 4


def number(value: Fraction | Decimal | int, places: int = 1) -> str:
    """The value with at least so many places, and as many as it takes up to four.

    What would take more is cut, never rounded, and ends with an ellipsis: "5.9333…". So
    what is shown lies on the same side of any mark as the value does. It is not negative.
    """
    numerator, denominator = value.as_integer_ratio()
    return _written(numerator, denominator, places, get_language())


def tenths(grade: int) -> str:
    """A grade from its tenths: 75 is "7.5"."""
    return _written(grade, 10, 1, get_language())


# A report on a network writes millions, but few different ones.
@lru_cache(2**14)
def _written(
    numerator: int, denominator: int, places: int, language: str | None
) -> str:
    scaled, rest = divmod(numerator * 10**MOST_PLACES, denominator)
    whole, part = divmod(scaled, 10**MOST_PLACES)
    digits = f"{part:0{MOST_PLACES}}"
    digits = f"{digits}…" if rest else digits.rstrip("0").ljust(places, "0")
    separator = get_format("DECIMAL_SEPARATOR", language) if digits else ""
    return f"{whole}{separator}{digits}"
