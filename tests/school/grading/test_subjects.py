from decimal import Decimal
from fractions import Fraction

import pytest

from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.rules import Rules
from school.grading.subjects import (
    Standing,
    SubjectGrades,
    evaluate_subject,
    is_subject_unrecoverable,
    partial_mean,
)

AMAZONAS, NUMERIC, CONCEPT = (shipped.rules for shipped in DEFAULT_PROFILES[:3])


def equal_terms(tenths, recovery=None):
    return SubjectGrades((tenths,) * 4, recovery)


def standing_of(rules, grades):
    return evaluate_subject(rules, grades).standing


def test_mean_equal_to_the_pass_mark_passes():
    result = evaluate_subject(AMAZONAS, equal_terms(60))

    assert (result.standing, result.mean, result.final_mean) == (Standing.PASSED, 6, 6)
    assert result.needed_grade is None


def test_mean_of_5_9_needs_6_1_in_the_exam():
    result = evaluate_subject(AMAZONAS, equal_terms(59))

    assert result.standing is Standing.RECOVERY
    assert result.mean == Fraction(59, 10)
    assert result.needed_grade == 61
    assert result.final_mean is None
    assert standing_of(AMAZONAS, equal_terms(59, 61)) is Standing.PASSED_AFTER_RECOVERY
    assert standing_of(AMAZONAS, equal_terms(59, 60)) is Standing.FAILED


def test_mean_of_5_975_does_not_pass():
    assert standing_of(AMAZONAS, SubjectGrades((60, 60, 60, 59))) is Standing.RECOVERY


def test_mean_5_5_with_exam_6_5_passes():
    result = evaluate_subject(AMAZONAS, equal_terms(55, 65))

    assert (result.standing, result.final_mean) == (Standing.PASSED_AFTER_RECOVERY, 6)


def test_mean_5_5_with_exam_6_4_fails():
    result = evaluate_subject(AMAZONAS, equal_terms(55, 64))

    assert (result.standing, result.final_mean) == (Standing.FAILED, Fraction(119, 20))


def test_mean_5_5_with_exam_6_4_passes_if_rounded():
    rounding = AMAZONAS.model_copy(update={"rounding": "half_up"})

    result = evaluate_subject(rounding, equal_terms(55, 64))

    assert (result.standing, result.final_mean) == (Standing.PASSED_AFTER_RECOVERY, 6)


def test_mean_of_1_9_needs_10_1_in_the_exam():
    result = evaluate_subject(AMAZONAS, equal_terms(19))

    assert (result.standing, result.needed_grade) == (Standing.RECOVERY, 101)
    assert standing_of(AMAZONAS, equal_terms(19, 100)) is Standing.FAILED
    assert evaluate_subject(AMAZONAS, equal_terms(20)).needed_grade == 100


def test_unrecoverable_subject_fails_without_exam_if_configured():
    strict = AMAZONAS.model_copy(update={"fail_if_unrecoverable": True})

    result = evaluate_subject(strict, equal_terms(19))

    assert (result.standing, result.final_mean) == (Standing.FAILED, Fraction(19, 10))
    assert result.needed_grade is None
    assert standing_of(strict, equal_terms(20)) is Standing.RECOVERY


def test_exam_after_pass_changes_nothing():
    assert evaluate_subject(AMAZONAS, equal_terms(60, 0)) == evaluate_subject(
        AMAZONAS, equal_terms(60)
    )


def test_exam_before_all_grades_changes_nothing():
    grades = SubjectGrades((60, 60, None, 60), 100)

    assert evaluate_subject(AMAZONAS, grades) == evaluate_subject(
        AMAZONAS, SubjectGrades((60, 60, None, 60))
    )


def test_exam_without_recovery_rule_changes_nothing():
    rules = Rules(terms=4, pass_mark=Decimal(6))

    assert evaluate_subject(rules, equal_terms(59, 100)) == evaluate_subject(
        rules, equal_terms(59)
    )
    assert standing_of(rules, equal_terms(59)) is Standing.FAILED


def test_recovery_weights_come_from_the_profile():
    # 5.0 x 0.6 + 7.5 x 0.4 = 6.0
    assert evaluate_subject(NUMERIC, equal_terms(50)).needed_grade == 75
    assert evaluate_subject(CONCEPT, equal_terms(50)).needed_grade == 75
    assert evaluate_subject(NUMERIC, equal_terms(50, 75)).final_mean == 6
    assert evaluate_subject(NUMERIC, equal_terms(50, 74)).final_mean == Fraction(
        596, 100
    )


def test_recovery_exam_replaces_lower_mean_only():
    rules = AMAZONAS.model_copy(update={"recovery_rule": "replace_if_higher"})

    assert evaluate_subject(rules, equal_terms(50, 60)).final_mean == 6
    assert evaluate_subject(rules, equal_terms(50, 40)).final_mean == 5
    assert evaluate_subject(rules, equal_terms(50)).needed_grade == 60


def test_mean_above_recovery_pass_mark_needs_any_exam():
    rules = Rules(
        terms=1, pass_mark=Decimal(7), recovery_rule="replace_if_higher",
        recovery_pass_mark=Decimal(5),
    )  # fmt: skip

    assert evaluate_subject(rules, SubjectGrades((60,))).needed_grade == 0
    assert standing_of(rules, SubjectGrades((60,))) is Standing.RECOVERY
    assert standing_of(rules, SubjectGrades((60,), 0)) is Standing.PASSED_AFTER_RECOVERY


@pytest.mark.parametrize(
    ("rounding", "tenths", "mean"),
    [
        ("none", (57, 58), Fraction(575, 100)),
        ("half_up", (57, 58), Fraction(6)),
        ("half_up", (57, 57), Fraction(55, 10)),
        ("up", (55, 56), Fraction(6)),
        ("up", (55, 55), Fraction(55, 10)),
        ("down", (59, 60), Fraction(55, 10)),
        ("down", (60, 60), Fraction(6)),
    ],
)
def test_mean_is_rounded_by_the_rule(rounding, tenths, mean):
    rules = Rules(
        terms=2, pass_mark=Decimal(6), rounding=rounding, rounding_step=Decimal("0.5")
    )

    assert evaluate_subject(rules, SubjectGrades(tenths)).mean == mean


def test_mean_of_incomplete_terms_is_not_rounded():
    rules = AMAZONAS.model_copy(update={"rounding": "up", "rounding_step": Decimal(1)})

    assert evaluate_subject(
        rules, SubjectGrades((55, 56, None, None))
    ).mean == Fraction(555, 100)


def test_weighted_mean_uses_terms_with_grades_only():
    rules = Rules(
        terms=3, pass_mark=Decimal(6), mean_rule="weighted", term_weights=(1, 2, 3)
    )

    assert evaluate_subject(rules, SubjectGrades((50, 80, None))).mean == 7
    # (5 + 2 x 8 + 3 x 5) / 6 = 6
    assert evaluate_subject(rules, SubjectGrades((50, 80, None))).needed_grade == 50
    assert partial_mean(SubjectGrades((50, 80, None))) == Fraction(13, 2)


def test_subject_without_grades_needs_the_pass_mark():
    result = evaluate_subject(AMAZONAS, equal_terms(None))

    assert (result.standing, result.mean, result.needed_grade) == (
        Standing.OPEN,
        None,
        60,
    )


def test_zero_counts_as_a_grade():
    assert standing_of(AMAZONAS, equal_terms(0)) is Standing.RECOVERY
    assert evaluate_subject(AMAZONAS, SubjectGrades((0, None, None, None))).mean == 0
    assert (
        evaluate_subject(AMAZONAS, SubjectGrades((0, None, None, None))).needed_grade
        == 80
    )


def test_partial_mean_of_all_terms_is_not_rounded():
    rules = AMAZONAS.model_copy(update={"rounding": "up", "rounding_step": Decimal(1)})

    assert partial_mean(equal_terms(55), rules) == Fraction(55, 10)


def test_wrong_number_of_terms_raises():
    with pytest.raises(ValueError, match="expected 4 terms, got 3"):
        evaluate_subject(AMAZONAS, SubjectGrades((60, 60, 60)))


def test_subject_is_unrecoverable_if_nothing_can_pass_it():
    def is_lost(grades, rules=AMAZONAS):
        return is_subject_unrecoverable(rules, grades, evaluate_subject(rules, grades))

    without_exam = Rules(terms=4, pass_mark=Decimal(6))

    assert not is_lost(SubjectGrades((0, 0, 0, None)))
    assert is_lost(SubjectGrades((0, 0, 0, None)), without_exam)
    assert is_lost(equal_terms(19))
    assert not is_lost(equal_terms(20))
    assert is_lost(equal_terms(20, 99))
    assert not is_lost(equal_terms(60))
