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


def standing_of(rules, marks):
    return evaluate_subject(rules, marks).standing


@given(st.data())
def test_better_grade_never_makes_a_lower_mean_or_final(data):
    rules = data.draw(strategies.rules())
    marks = data.draw(strategies.subject_marks(rules, strategies.GRADES))
    place = data.draw(st.integers(0, rules.terms - 1))
    assume(marks.terms[place] < 100)
    terms = list(marks.terms)
    terms[place] += 1

    before, after = (
        evaluate_subject(rules, marks),
        evaluate_subject(rules, SubjectGrades(tuple(terms))),
    )

    assert after.mean >= before.mean
    if before.standing is Standing.PASSED:
        assert after.standing is Standing.PASSED


@given(st.data())
def test_better_exam_never_makes_a_lower_final(data):
    rules = data.draw(strategies.rules())
    marks = data.draw(strategies.subject_marks(rules, strategies.GRADES))
    exam = data.draw(st.integers(0, 99))

    before, after = (
        evaluate_subject(rules, SubjectGrades(marks.terms, e)) for e in (exam, exam + 1)
    )

    assert after.final_mean >= before.final_mean
    if before.standing is not Standing.FAILED:
        assert after.standing is before.standing


@given(st.data())
def test_needed_is_the_least_grade_that_suffices(data):
    rules = data.draw(strategies.rules())
    marks = data.draw(strategies.subject_marks(rules))
    result = evaluate_subject(rules, marks)
    assume(result.standing is Standing.OPEN)

    def passes(grade):
        terms = tuple(grade if t is None else t for t in marks.terms)
        return standing_of(rules, SubjectGrades(terms)) is Standing.PASSED

    assert passes(result.needed_grade)
    assert result.needed_grade == 0 or not passes(result.needed_grade - 1)


@given(st.data())
def test_needed_in_the_exam_is_the_least_grade_that_suffices(data):
    recovery = data.draw(st.sampled_from(["weighted", "replace_if_higher"]))
    rules = data.draw(strategies.rules(recovery_rule=recovery, pass_mark="9.0"))
    marks = data.draw(strategies.subject_marks(rules, st.integers(0, 90)))
    result = evaluate_subject(rules, SubjectGrades(marks.terms))
    assume(result.standing is Standing.RECOVERY)

    def passes(grade):
        sat = SubjectGrades(marks.terms, grade)
        return standing_of(rules, sat) is Standing.PASSED_AFTER_RECOVERY

    assert passes(result.needed_grade)
    assert result.needed_grade == 0 or not passes(result.needed_grade - 1)


@given(st.data())
def test_without_rounding_nothing_is_lifted_over_the_mark(data):
    rules = data.draw(
        strategies.rules(rounding="none", mean_rule="arithmetic", term_weights=[])
    )
    marks = data.draw(strategies.subject_marks(rules, strategies.GRADES))

    passed = standing_of(rules, SubjectGrades(marks.terms)) is Standing.PASSED

    assert passed == (sum(marks.terms) >= 10 * rules.pass_mark * rules.terms)


@given(st.data())
def test_rounding_moves_by_less_than_its_step_and_stays_a_grade(data):
    rules = data.draw(strategies.rules())
    marks = data.draw(strategies.subject_marks(rules, strategies.GRADES))

    mean = evaluate_subject(rules, marks).mean

    assert abs(mean - partial_mean(marks, rules)) < Fraction(rules.rounding_step)
    assert 0 <= mean <= 10
