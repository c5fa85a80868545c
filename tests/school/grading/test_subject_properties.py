from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from school.grading.subjects import (
    Standing,
    SubjectGrades,
    evaluate_subject,
    partial_mean,
)
from tests.school.grading import strategies


def standing_of(rules, grades):
    return evaluate_subject(rules, grades).standing


@given(st.data())
def test_better_grade_never_lowers_the_mean(data):
    rules = data.draw(strategies.rules())
    grades = data.draw(strategies.subject_marks(rules, strategies.GRADES))
    index = data.draw(st.integers(0, rules.terms - 1))
    assume(grades.terms[index] < 100)
    terms = list(grades.terms)
    terms[index] += 1

    before, after = (
        evaluate_subject(rules, grades),
        evaluate_subject(rules, SubjectGrades(tuple(terms))),
    )

    assert after.mean >= before.mean
    if before.standing is Standing.PASSED:
        assert after.standing is Standing.PASSED


@given(st.data())
def test_better_exam_never_lowers_the_final_mean(data):
    rules = data.draw(strategies.rules())
    grades = data.draw(strategies.subject_marks(rules, strategies.GRADES))
    exam = data.draw(st.integers(0, 99))

    before, after = (
        evaluate_subject(rules, SubjectGrades(grades.terms, e))
        for e in (exam, exam + 1)
    )

    assert after.final_mean >= before.final_mean
    if before.standing is not Standing.FAILED:
        assert after.standing is before.standing


@given(st.data())
def test_needed_grade_is_the_least_that_passes(data):
    rules = data.draw(strategies.rules())
    grades = data.draw(strategies.subject_marks(rules))
    result = evaluate_subject(rules, grades)
    assume(result.standing is Standing.OPEN)

    def passes(grade):
        terms = tuple(grade if t is None else t for t in grades.terms)
        return standing_of(rules, SubjectGrades(terms)) is Standing.PASSED

    assert passes(result.needed_grade)
    assert result.needed_grade == 0 or not passes(result.needed_grade - 1)


@given(st.data())
def test_needed_exam_grade_is_the_least_that_passes(data):
    recovery = data.draw(st.sampled_from(["weighted", "replace_if_higher"]))
    rules = data.draw(strategies.rules(recovery_rule=recovery, pass_mark="9.0"))
    grades = data.draw(strategies.subject_marks(rules, st.integers(0, 90)))
    result = evaluate_subject(rules, SubjectGrades(grades.terms))
    assume(result.standing is Standing.RECOVERY)

    def passes(grade):
        sat = SubjectGrades(grades.terms, grade)
        return standing_of(rules, sat) is Standing.PASSED_AFTER_RECOVERY

    assert passes(result.needed_grade)
    assert result.needed_grade == 0 or not passes(result.needed_grade - 1)


@given(st.data())
def test_mean_without_rounding_passes_only_at_the_pass_mark(data):
    rules = data.draw(
        strategies.rules(rounding="none", mean_rule="arithmetic", term_weights=[])
    )
    grades = data.draw(strategies.subject_marks(rules, strategies.GRADES))

    passed = standing_of(rules, SubjectGrades(grades.terms)) is Standing.PASSED

    assert passed == (sum(grades.terms) >= 10 * rules.pass_mark * rules.terms)


@given(st.data())
def test_rounding_moves_by_less_than_a_step_within_bounds(data):
    rules = data.draw(strategies.rules())
    grades = data.draw(strategies.subject_marks(rules, strategies.GRADES))

    mean = evaluate_subject(rules, grades).mean

    assert abs(mean - partial_mean(grades, rules)) < Fraction(rules.rounding_step)
    assert 0 <= mean <= 10
