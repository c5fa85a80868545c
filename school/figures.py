"""Exact figures from whole tenths: integers in, decimals out, no float in between."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

CENTS = Decimal("0.01")
TENTHS = Decimal("0.1")


def grade(tenths: int | None) -> Decimal | None:
    """A grade of 0.0 to 10.0 from its tenths."""
    return None if tenths is None else Decimal(tenths).scaleb(-1)


def mean(total_tenths: int, count: int) -> Decimal | None:
    """The mean grade to two places, halves up; none of no grades."""
    return _round(Decimal(total_tenths) / (10 * count), CENTS) if count else None


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
        return _round(root / (10 * count), CENTS)


def percent(part: int, whole: int) -> Decimal | None:
    """`part` of `whole` in percent to one place, halves up; none of nothing."""
    return _round(Decimal(100 * part) / whole, TENTHS) if whole else None


def _round(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_HALF_UP)
