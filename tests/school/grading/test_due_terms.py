"""Subjects of which a student owes only some terms, or that do not decide the year."""

from dataclasses import replace
from fractions import Fraction

import pytest

from school.grading.attendance import AttendanceDays
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.outcome import ReasonCode, Situation, YearRecord, decide_outcome
from school.grading.subjects import (
    Standing,
    SubjectGrades,
    evaluate_subject,
    is_subject_unrecoverable,
)

AMAZONAS = DEFAULT_PROFILES[0].rules
WEIGHTED = AMAZONAS.model_copy(
    update={"mean_rule": "weighted", "term_weights": (1, 2, 3, 4)}
)
PASSED, FAILED = SubjectGrades((60,) * 4), SubjectGrades((20,) * 4, 0)
OPEN, IN_RECOVERY = SubjectGrades((60, None, None, None)), SubjectGrades((59,) * 4)
EXEMPT = SubjectGrades((None,) * 4, exempt_terms=frozenset({1, 2, 3, 4}))
DAYS = AttendanceDays(lesson_days=200)


def decide(*subjects, rules=AMAZONAS, **year):
    return decide_outcome(
        rules, YearRecord(dict(enumerate(subjects, 1)), DAYS, None, **year)
    )


def reasons(outcome):
    return [(reason.code, reason.subject_id) for reason in outcome.reasons]


@pytest.mark.parametrize(
    ("grades", "exempt_term"),
    [((None, 54, 67, 100), 1), ((54, None, 67, 100), 2), ((54, 67, 100, None), 4)],
)
def test_mean_is_that_of_the_terms_without_exemption(grades, exempt_term):
    subject = SubjectGrades(grades, exempt_terms=frozenset({exempt_term}))

    result = evaluate_subject(AMAZONAS, subject)

    assert (result.standing, result.final_mean) == (Standing.PASSED, Fraction(221, 30))


def test_mean_without_an_exempt_term_has_the_weights_of_the_others():
    subject = SubjectGrades((None, 50, 50, 80), exempt_terms=frozenset({1}))

    result = evaluate_subject(WEIGHTED, subject)

    assert result.mean == Fraction(50 * 2 + 50 * 3 + 80 * 4, 90)


def test_needed_grade_leaves_out_terms_that_are_not_due():
    result = evaluate_subject(
        AMAZONAS,
        SubjectGrades(
            (None, 50, 60, None), exempt_terms=frozenset({1}), outside_terms=frozenset()
        ),
    )

    assert (result.standing, result.needed_grade) == (Standing.OPEN, 70)


def test_exam_counts_with_the_mean_of_the_due_terms():
    subject = SubjectGrades((None, 50, 50, 50), 70, outside_terms=frozenset({1}))

    result = evaluate_subject(AMAZONAS, subject)

    assert (result.standing, result.final_mean) == (Standing.PASSED_AFTER_RECOVERY, 6)


def test_subject_with_every_term_exempt_is_exempt():
    assert evaluate_subject(AMAZONAS, EXEMPT).standing is Standing.EXEMPT
    late = SubjectGrades(
        (None,) * 4, exempt_terms=frozenset({3, 4}), outside_terms=frozenset({1, 2})
    )
    assert evaluate_subject(AMAZONAS, late).standing is Standing.EXEMPT


def test_grade_of_an_exempt_term_does_not_count():
    subject = SubjectGrades((0, 60, 60, 60), exempt_terms=frozenset({1}))

    assert evaluate_subject(AMAZONAS, subject).standing is Standing.PASSED


def test_grade_of_a_term_outside_the_enrolments_counts():
    subject = SubjectGrades((0, 60, 60, 60), outside_terms=frozenset({1}))

    assert evaluate_subject(AMAZONAS, subject).mean == Fraction(9, 2)


def test_terms_before_the_enrolment_are_not_missing():
    subject = SubjectGrades((None, None, 60, 60), outside_terms=frozenset({1, 2}))

    assert list(subject.missing_terms) == []
    assert decide(subject, is_closed=True).situation is Situation.APPROVED


def test_student_enrolled_in_no_term_owes_them_all():
    subject = SubjectGrades((None,) * 4, outside_terms=frozenset({1, 2, 3, 4}))

    outcome = decide(subject, is_closed=True)

    assert (outcome.situation, reasons(outcome)) == (
        "incomplete",
        [("grades_missing", 1)],
    )
    assert list(subject.missing_terms) == [1, 2, 3, 4]


def test_best_case_of_a_subject_does_not_fill_exempt_terms():
    subject = SubjectGrades((None, 0, 0, None), exempt_terms=frozenset({1}))
    rules = AMAZONAS.model_copy(update={"recovery_rule": "none"})

    assert is_subject_unrecoverable(rules, subject, evaluate_subject(rules, subject))
    # With four terms to come the same zeros could still be made good.
    other = replace(subject, terms=(None, 0, None, None), exempt_terms=frozenset())
    assert not is_subject_unrecoverable(rules, other, evaluate_subject(rules, other))


def test_exempt_subject_does_not_decide_the_year():
    outcome = decide(EXEMPT, PASSED, is_closed=True)

    assert outcome.situation is Situation.APPROVED
    assert reasons(outcome) == [(ReasonCode.SUBJECT_EXEMPT, 1)]
    assert decide(EXEMPT, FAILED).situation is Situation.FAILED
    assert decide(EXEMPT, EXEMPT, is_closed=True).situation is Situation.APPROVED


def test_optional_subject_without_grades_counts_for_nothing():
    elective = SubjectGrades((None,) * 4, is_optional=True)

    outcome = decide(elective, PASSED, is_closed=True)

    assert outcome.subjects[1].standing is Standing.NOT_TAKEN
    assert (outcome.situation, reasons(outcome)) == (Situation.APPROVED, [])


@pytest.mark.parametrize("taken", [{"terms": (None, 60, None, None)}, {"exam": 60}])
def test_optional_subject_with_one_grade_is_as_any_other(taken):
    elective = replace(SubjectGrades((None,) * 4, is_optional=True), **taken)

    outcome = decide(elective, PASSED, is_closed=True)

    assert (outcome.situation, reasons(outcome)) == (
        "incomplete",
        [("grades_missing", 1)],
    )


def test_year_with_only_options_not_taken_is_incomplete():
    outcome = decide(SubjectGrades((None,) * 4, is_optional=True), is_closed=True)

    assert (outcome.situation, reasons(outcome)) == (
        "incomplete",
        [("grades_missing", 1)],
    )


@pytest.mark.parametrize("subject", [FAILED, OPEN, IN_RECOVERY])
def test_subject_that_does_not_count_never_decides_the_year(subject):
    uncounted = replace(subject, counts_for_promotion=False)

    outcome = decide(uncounted, PASSED)

    assert (outcome.situation, reasons(outcome)) == (
        "approved",
        [("subject_not_counted", 1)],
    )
    assert outcome.subjects[1] == decide(subject).subjects[1]


def test_failed_subject_that_does_not_count_takes_no_dependency():
    rules = AMAZONAS.model_copy(update={"dependencies": 1})

    outcome = decide(replace(FAILED, counts_for_promotion=False), FAILED, rules=rules)

    assert outcome.situation is Situation.APPROVED_WITH_DEPENDENCY


def test_exemption_needs_no_rules():
    outcome = decide_outcome(None, YearRecord({1: EXEMPT}, DAYS, None))

    assert outcome.subjects[1].standing is Standing.EXEMPT
