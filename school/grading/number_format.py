"""Exact numbers formatted for display in the active language."""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from django.utils.formats import get_format
from django.utils.translation import get_language

MAX_DECIMALS = 4
"""Decimals of a number in a calculation at most."""
PROSE_DECIMALS = 2
"""Decimals of a number in a sentence at most."""


def format_number(value: Fraction | Decimal | int, min_decimals: int = 1) -> str:
    """Format the value with at least `min_decimals` and at most four decimals.

    A value that needs more decimals is cut, never rounded, and ends with an ellipsis:
    "5.9333…". The text therefore never crosses a pass mark that the value does not
    reach. The value must not be negative.
    """
    numerator, denominator = value.as_integer_ratio()
    return _format_ratio(numerator, denominator, min_decimals, get_language())


def format_prose(value: Fraction | Decimal | int, min_decimals: int = 1) -> str:
    """Format the value for a sentence: cut to two decimals, without an ellipsis.

    Cutting never lifts a value to a mark of two decimals that it does not reach.
    """
    numerator, denominator = value.as_integer_ratio()
    cut_value = numerator * 10**PROSE_DECIMALS // denominator
    return _format_ratio(cut_value, 10**PROSE_DECIMALS, min_decimals, get_language())


def format_tenths(tenths: int | Fraction) -> str:
    """Format a grade given in tenths: 75 becomes "7.5"."""
    numerator, denominator = tenths.as_integer_ratio()
    return _format_ratio(numerator, 10 * denominator, 1, get_language())


# A report on a network formats millions of numbers, but few distinct ones.
@lru_cache(2**14)
def _format_ratio(
    numerator: int, denominator: int, min_decimals: int, language: str | None
) -> str:
    scaled_value, remainder = divmod(numerator * 10**MAX_DECIMALS, denominator)
    whole, part = divmod(scaled_value, 10**MAX_DECIMALS)
    digits = f"{part:0{MAX_DECIMALS}}"
    digits = f"{digits}…" if remainder else digits.rstrip("0").ljust(min_decimals, "0")
    separator = get_format("DECIMAL_SEPARATOR", language) if digits else ""
    return f"{whole}{separator}{digits}"
