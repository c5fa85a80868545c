from decimal import Decimal
from fractions import Fraction
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from school.grading import decimals

GRADES = st.lists(st.integers(0, 100), min_size=1, max_size=60)


def round_half_up(value: Fraction, decimals: int) -> Decimal:
    """Round half up with integers only."""
    scaled = value * 10**decimals
    return Decimal(
        (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    ).scaleb(-decimals)


@given(GRADES)
def test_mean_is_exact(tenths):
    expected = round_half_up(Fraction(sum(tenths), 10 * len(tenths)), 2)

    assert decimals.mean(sum(tenths), len(tenths)) == expected


@given(GRADES)
def test_standard_deviation_is_exact(tenths):
    n, total, squares = len(tenths), sum(tenths), sum(x * x for x in tenths)

    deviation = decimals.standard_deviation(total, squares, n)

    # d hundredths, rounded: (2d - 1) / 2 <= 10 * root / n < (2d + 1) / 2, squared.
    d = int(deviation.scaleb(2))
    quadrupled = 4 * 100 * (n * squares - total**2)
    assert (2 * d - 1) ** 2 * n * n <= quadrupled or d == 0
    assert quadrupled < (2 * d + 1) ** 2 * n * n
    assert isqrt(quadrupled) >= 0


@given(st.integers(0, 200), st.integers(1, 200))
def test_percent_is_exact(part, whole):
    assert decimals.percent(part, whole) == round_half_up(
        Fraction(100 * part, whole), 1
    )


def test_mean_is_rounded_half_up():
    assert decimals.mean(13, 8) == Decimal("0.16")  # 0.1625
    assert decimals.mean(121, 20) == Decimal("0.61")  # 0.605


def test_decimals_keep_trailing_zeros():
    assert str(decimals.tenths_to_grade(60)) == "6.0"
    assert str(decimals.mean(120, 2)) == "6.00"
    assert str(decimals.percent(1, 2)) == "50.0"


def test_decimals_of_no_values_are_none():
    assert decimals.tenths_to_grade(None) is None
    assert decimals.mean(0, 0) is None
    assert decimals.standard_deviation(0, 0, 0) is None
    assert decimals.percent(0, 0) is None


@pytest.mark.parametrize(
    ("value", "places", "threshold", "expected"),
    [
        (Fraction(59_975, 10_000), 2, "6.0", "5.998"),
        (Fraction(59_949, 10_000), 2, "6.0", "5.99"),
        (Fraction(5_999_999, 1_000_000), 2, "6.0", "5.999999"),
        (Fraction(5_999_996, 1_000_000), 2, "6.0", "5.999996"),
        (Fraction(6), 2, "6.0", "6.00"),
        (Fraction(6_004, 1_000), 2, "6.0", "6.00"),
        (Fraction(7_496, 100), 1, "75", "74.96"),
        (Fraction(7_494, 100), 1, "75", "74.9"),
        (Fraction(75), 1, "75", "75.0"),
        (Fraction(7_504, 100), 1, "75.03", "75.04"),
        (Fraction(125, 1_000), 2, None, "0.13"),
        (Fraction(59_975, 10_000), 2, None, "6.00"),
    ],
)
def test_displayed_value_stays_on_its_side_of_threshold(
    value, places, threshold, expected
):
    threshold = None if threshold is None else Decimal(threshold)

    assert (
        str(decimals.round_for_display(value, decimals=places, threshold=threshold))
        == expected
    )


@given(st.fractions(0, 100), st.integers(0, 2), st.fractions(0, 100))
def test_displayed_value_never_crosses_threshold(value, places, threshold):
    displayed = decimals.round_for_display(value, decimals=places, threshold=threshold)

    assert (Fraction(displayed) >= threshold) == (value >= threshold)
    assert abs(Fraction(displayed) - value) <= Fraction(1, 2 * 10**places)


@given(st.fractions(0, 100), st.integers(0, 2))
def test_displayed_value_without_threshold_is_half_up(value, places):
    assert decimals.round_for_display(
        value, decimals=places, threshold=None
    ) == round_half_up(value, places)


def test_displayed_value_too_near_threshold_is_truncated():
    third, threshold = Fraction(1, 3), Fraction(1, 3) + Fraction(1, 10**30)

    assert (
        decimals.round_for_display(third, decimals=1, threshold=threshold) < threshold
    )
    assert decimals.round_for_display(third, decimals=1, threshold=third) >= third
