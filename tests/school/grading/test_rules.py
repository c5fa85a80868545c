import json
from decimal import Decimal
from fractions import Fraction

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.rules import Rules
from tests.school.grading import strategies

SCALE = [
    {"label": "C", "lowest": "0.0", "highest": "4.9"},
    {"label": "B", "lowest": "5.0", "highest": "7.9"},
    {"label": "A", "lowest": "8.0", "highest": "10.0"},
]


def validation_errors(**content):
    """Return location and English message of each validation error."""
    with override("en"), pytest.raises(ValidationError) as caught:
        Rules.from_json({"terms": 4, "pass_mark": "6.0"} | content)
    return [(*error["loc"], error["msg"]) for error in caught.value.errors()]


def make_scale(*bands):
    return [
        {"label": label, "lowest": lowest, "highest": highest}
        for label, lowest, highest in bands
    ]


def test_scale_without_gap_or_overlap_is_accepted():
    rules = Rules.from_json({"terms": 4, "pass_mark": "6.0", "scale": SCALE})

    assert [band.label for band in rules.scale] == ["C", "B", "A"]


def test_scale_with_gap_is_refused():
    # A seed table of i-Educar has this gap: 4.1 to 4.4 map to no band.
    scale = make_scale(("C", "0.0", "4.0"), ("A", "4.5", "10.0"))

    assert validation_errors(scale=scale) == [
        ("scale", "There is a gap between C and A: 4.1 is in no band.")
    ]


def test_scale_with_overlap_is_refused():
    scale = make_scale(("C", "0.0", "9.9"), ("A", "9.9", "10.0"))

    assert validation_errors(scale=scale) == [
        ("scale", "The bands C and A overlap: 9.9 is in both.")
    ]


def test_scale_unsorted_is_refused():
    scale = make_scale(("C", "0.0", "1.9"), ("A", "6.0", "7.0"), ("B", "2.0", "10.0"))

    assert validation_errors(scale=[scale[0], scale[2], scale[1]]) == [
        ("scale", "The scale must go from 0.0 up to 10.0.")
    ]
    assert validation_errors(scale=scale) == [
        ("scale", "There is a gap between C and A: 2.0 is in no band.")
    ]
    scale = make_scale(("C", "0.0", "1.9"), ("A", "2.0", "7.0"), ("B", "1.0", "10.0"))
    assert validation_errors(scale=scale) == [
        ("scale", "The bands must be sorted from the lowest: A is before B.")
    ]


@pytest.mark.parametrize(("lowest", "highest"), [("0.1", "10.0"), ("0.0", "9.9")])
def test_scale_without_an_end_is_refused(lowest, highest):
    assert validation_errors(scale=make_scale(("A", lowest, highest))) == [
        ("scale", "The scale must go from 0.0 up to 10.0.")
    ]


def test_scale_with_repeated_label_is_refused():
    scale = make_scale(("A", "0.0", "4.9"), ("A", "5.0", "10.0"))

    assert validation_errors(scale=scale) == [
        ("scale", "Each label of the scale must be unique.")
    ]


def test_scale_band_with_swapped_bounds_has_its_index():
    scale = [SCALE[0], make_scale(("B", "7.9", "5.0"))[0], SCALE[2]]

    assert validation_errors(scale=scale) == [
        ("scale", 1, "Band B: its lowest grade is above its highest one.")
    ]


def test_term_weights_must_be_as_many_as_terms():
    message = "There must be a weight for each of the 4 terms, not {}."

    assert validation_errors(mean_rule="weighted", term_weights=[1, 2, 3]) == [
        ("term_weights", message.format(3))
    ]
    assert validation_errors(mean_rule="weighted") == [
        ("term_weights", message.format(0))
    ]


def test_term_weights_of_arithmetic_mean_are_refused():
    assert validation_errors(term_weights=[1, 1, 1, 1]) == [
        ("term_weights", "Only a weighted mean takes term weights.")
    ]


@pytest.mark.parametrize("weight", [0, -1, 1.5, "2", True, None, 101])
def test_weight_that_is_no_positive_integer_is_refused(weight):
    weights = [1, 1, 1, weight]

    locations = {tuple(location) for *location, _ in validation_errors(
        mean_rule="weighted", term_weights=weights
    )}  # fmt: skip

    assert locations == {("term_weights", 3)}
    assert validation_errors(recovery_rule="weighted", recovery_exam_weight=weight)


@pytest.mark.parametrize("step", ["0.3", "0.15", "0.7", "0.0", "2", "-0.1", "1e-400"])
def test_rounding_step_that_does_not_divide_one_is_refused(step):
    [(field, _message)] = validation_errors(rounding_step=step)

    assert field == "rounding_step"


@pytest.mark.parametrize("step", ["0.1", "0.2", "0.25", "0.5", "1", 1, 0.1, "0.125"])
def test_rounding_step_that_divides_one_is_accepted(step):
    rules = Rules.from_json({"terms": 4, "pass_mark": "6.0", "rounding_step": step})

    assert rules.rounding_step == Decimal(str(step))


def test_recovery_pass_mark_without_recovery_is_refused():
    assert validation_errors(recovery_pass_mark="5.0") == [
        ("recovery_pass_mark", "A recovery pass mark requires a recovery rule.")
    ]


@pytest.mark.parametrize(
    "invalid",
    [
        {"terms": 0}, {"terms": 11}, {"terms": "4"}, {"terms": True}, {"terms": 4.0},
        {"pass_mark": "10.1"}, {"pass_mark": "-0.1"}, {"pass_mark": "5.95"},
        {"pass_mark": "NaN"}, {"pass_mark": "Infinity"}, {"pass_mark": "1e400"},
        {"pass_mark": 5.9500000001}, {"pass_mark": None}, {"pass_mark": "six"},
        {"rounding": "sometimes"}, {"fail_if_unrecoverable": "yes"}, {"fail_if_unrecoverable": 1},
        {"minimum_attendance": "100.01"}, {"minimum_attendance": "74.999"},
        {"council_absences": "-1"}, {"year_days": 0}, {"year_days": 367},
        {"dependencies": -1}, {"dependencies": 21}, {"formula": "eval"},
        {"scale": [{"label": "", "lowest": "0.0", "highest": "10.0"}]},
        {"scale": [{"label": "A", "lowest": "0", "highest": "10", "color": "red"}]},
    ],
    ids=str,
)  # fmt: skip
def test_invalid_rule_value_is_refused(invalid):
    assert {field for field, *_ in validation_errors(**invalid)} == set(invalid)


def test_json_float_becomes_the_written_decimal():
    content = json.loads('{"terms": 4, "pass_mark": 5.1, "minimum_attendance": 74.9}')

    rules = Rules.from_json(content)

    assert rules.pass_mark == Decimal("5.1")
    assert rules.minimum_attendance == Decimal("74.9")
    assert rules.grade_arithmetic.pass_mark == Fraction(51, 10)


def test_validation_message_is_translated():
    with override("pt-br"), pytest.raises(ValidationError) as caught:
        Rules.from_json(
            {"terms": 4, "pass_mark": "6.0", "scale": make_scale(("A", "0.0", "9.5"))}
        )

    [error] = caught.value.errors()
    assert error["msg"] == "A escala deve ir de 0,0 a 10,0."


def test_scale_label_with_braces_is_not_formatted():
    scale = make_scale(("{upper}", "0.0", "4.0"), ("A", "4.5", "10.0"))

    assert validation_errors(scale=scale) == [
        ("scale", "There is a gap between {upper} and A: 4.1 is in no band.")
    ]


@given(strategies.rules())
def test_rules_survive_json_round_trip(rules):
    assert rules.grade_arithmetic.weights
    text = json.dumps(rules.to_json())

    assert Rules.from_json(json.loads(text)) == rules
    assert "grade_arithmetic" not in text


def test_used_rules_stay_equal_and_copies_recalculate():
    used, fresh = (Rules(terms=4, pass_mark=Decimal(6)) for _ in range(2))
    assert used.grade_arithmetic.pass_mark == 6

    assert used == fresh
    assert hash(used) == hash(fresh)
    assert used.model_copy(update={"pass_mark": "7.0"}).grade_arithmetic.pass_mark == 7
    with pytest.raises(ValidationError):
        used.model_copy(update={"terms": 0})


@pytest.mark.parametrize("profile", DEFAULT_PROFILES, ids=lambda profile: profile.code)
@given(mean=st.fractions(0, 10))
def test_mean_has_at_most_one_concept(profile, mean):
    scale = profile.rules.scale
    uppers = [*[band.lowest for band in scale[1:]], 11]
    fitting = [
        band.label
        for band, upper in zip(scale, uppers, strict=False)
        if band.lowest <= mean < upper
    ]

    assert fitting == ([profile.rules.concept(mean)] if scale else [])


def test_mean_between_two_bands_belongs_to_the_lower():
    rules = Rules.from_json({"terms": 4, "pass_mark": "6.0", "scale": SCALE})

    assert rules.concept(Fraction(799, 100)) == "B"
    assert rules.concept(Decimal("8.0")) == "A"
    assert rules.concept(Fraction(0)) == "C"
    assert Rules(terms=4, pass_mark=Decimal(6)).concept(Fraction(5)) is None


@pytest.mark.parametrize(
    ("content", "field", "message"),
    [
        ({"pass_mark": None}, "pass_mark", "This field is required for grades in numbers."),
        (
            {"assessment": "none", "mean_rule": "weighted", "term_weights": [1, 1, 1, 1]},
            "mean_rule",
            "Only grades in numbers have a weighted mean.",
        ),
        (
            {"assessment": "none", "recovery_rule": "replace_if_higher"},
            "recovery_rule",
            "Without grades there is no recovery.",
        ),
        (
            {"assessment": "concepts", "scale": SCALE, "pass_concept": "B", "recovery_rule": "weighted"},
            "recovery_rule",
            "Given concepts have no weighted mean.",
        ),
        (
            {
                "assessment": "concepts", "scale": SCALE, "pass_concept": "B",
                "recovery_rule": "replace_if_higher", "recovery_pass_mark": "5.0",
            },
            "recovery_pass_mark",
            "Given concepts have no pass mark.",
        ),
        (
            {"assessment": "none", "term_recovery": "mean"},
            "term_recovery",
            "Only grades in numbers have a recovery of the term.",
        ),
        (
            {"retention": "attendance", "dependencies": 1},
            "dependencies",
            "Where grades retain nobody there is no dependency.",
        ),
        (
            {"scale": SCALE, "pass_concept": "B"},
            "pass_concept",
            "Only given concepts have a concept that passes.",
        ),
        (
            {"assessment": "concepts", "scale": SCALE, "pass_concept": "D"},
            "pass_concept",
            "The concept that passes must be one of the scale.",
        ),
        (
            {"assessment": "concepts"},
            "pass_concept",
            "The concept that passes must be one of the scale.",
        ),
    ],
)  # fmt: skip
def test_contradictory_assessment_is_refused(content, field, message):
    assert validation_errors(**content) == [(field, message)]


@pytest.mark.parametrize(
    "content",
    [
        {"assessment": "none"},
        {"assessment": "concepts", "scale": SCALE, "pass_concept": "B"},
    ],
)
def test_only_grades_in_numbers_need_a_pass_mark(content):
    rules = Rules.from_json({"terms": 4, **content})

    assert Rules.from_json(rules.to_json()) == rules


def test_earlier_rules_without_assessment_have_grades_and_retention():
    rules = Rules.from_json({"terms": 4, "pass_mark": "6.0"})

    assert (rules.assessment, rules.retention) == ("grades", "grades_and_attendance")
