from decimal import Decimal
from fractions import Fraction
from math import isqrt

from hypothesis import given
from hypothesis import strategies as st

from school import figures

GRADES = st.lists(st.integers(0, 100), min_size=1, max_size=60)


def half_up(value: Fraction, places: int) -> Decimal:
    """The slow way: whole numbers only."""
    scaled = value * 10**places
    return Decimal(
        (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    ).scaleb(-places)


@given(GRADES)
def test_mean_is_exact(tenths):
    expected = half_up(Fraction(sum(tenths), 10 * len(tenths)), 2)

    assert figures.mean(sum(tenths), len(tenths)) == expected


@given(GRADES)
def test_standard_deviation_is_exact(tenths):
    n, total, squares = len(tenths), sum(tenths), sum(x * x for x in tenths)

    deviation = figures.standard_deviation(total, squares, n)

    # d hundredths, rounded: (2d - 1) / 2 <= 10 * root / n < (2d + 1) / 2, squared.
    d = int(deviation.scaleb(2))
    quadrupled = 4 * 100 * (n * squares - total**2)
    assert (2 * d - 1) ** 2 * n * n <= quadrupled or d == 0
    assert quadrupled < (2 * d + 1) ** 2 * n * n
    assert isqrt(quadrupled) >= 0


@given(st.integers(0, 200), st.integers(1, 200))
def test_percent_is_exact(part, whole):
    assert figures.percent(part, whole) == half_up(Fraction(100 * part, whole), 1)


def test_halves_go_up():
    assert figures.mean(13, 8) == Decimal("0.16")  # 0.1625
    assert figures.mean(121, 20) == Decimal("0.61")  # 0.605


def test_figures_keep_their_places():
    assert str(figures.grade(60)) == "6.0"
    assert str(figures.mean(120, 2)) == "6.00"
    assert str(figures.percent(1, 2)) == "50.0"


def test_of_nothing_there_is_no_figure():
    assert figures.grade(None) is None
    assert figures.mean(0, 0) is None
    assert figures.standard_deviation(0, 0, 0) is None
    assert figures.percent(0, 0) is None
