from decimal import Decimal
from fractions import Fraction

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from school.grading.labels import format_number


@pytest.mark.parametrize(
    ("value", "english", "portuguese"),
    [
        (6, "6.0", "6,0"),
        (Decimal("6.00"), "6.0", "6,0"),
        (Fraction(119, 20), "5.95", "5,95"),
        (Fraction(59_975, 10_000), "5.9975", "5,9975"),
        (Fraction(89, 15), "5.9333…", "5,9333…"),
        (Fraction(599_999, 100_000), "5.9999…", "5,9999…"),
        (Fraction(600_001, 100_000), "6.0000…", "6,0000…"),
        (0, "0.0", "0,0"),
        (Fraction(1, 1000), "0.001", "0,001"),
    ],
)
def test_number_is_exact_in_both_languages(value, english, portuguese):
    with override("en"):
        assert format_number(value) == english
    with override("pt-br"):
        assert format_number(value) == portuguese


def test_number_has_the_requested_minimum_of_decimals():
    with override("pt-br"):
        assert format_number(75, min_decimals=0) == "75"
        assert format_number(Decimal("7.5"), min_decimals=0) == "7,5"
        assert format_number(6, min_decimals=2) == "6,00"
        assert format_number(Fraction(1, 3), min_decimals=0) == "0,3333…"


@given(st.fractions(0, 100), st.fractions(0, 100, max_denominator=10_000))
def test_truncated_number_is_never_above_its_value(value, mark):
    with override("en"):
        parsed = Fraction(format_number(value).rstrip("…"))

    assert 0 <= value - parsed < Fraction(1, 10_000)
    assert (value == parsed) == ("…" not in format_number(value))
