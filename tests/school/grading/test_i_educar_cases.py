"""Public test cases of i-Educar: its grades and days, judged by the same rules here.

The grades, days and results are those of `tests/Api` of github.com/portabilis/i-educar
(ExemptionTest, DependencyTest, PromotionFromAverageAndAttendanceWithoutRetakeTest,
ProgressionWithAverageCalculationWeightedRecoveryTest, DiarioGravaRecuperacoesTest) and of its
FormulaTest; the rules are those of its factories. Its absences by subject count as days here.
"""

from fractions import Fraction

import pytest

from school.grading.attendance import AttendanceDays
from school.grading.outcome import YearRecord, decide_outcome
from school.grading.rules import Rules
from school.grading.subjects import SubjectGrades, evaluate_subject

WITHOUT_RECOVERY = {"pass_mark": "7.0", "minimum_attendance": "75"}
WEIGHTED = {
    **WITHOUT_RECOVERY,
    "recovery_rule": "weighted",
    "recovery_pass_mark": "6.0",
}
WEIGHTS = [(7, 3), (3, 2), (6, 4)]
"""Weights of mean and exam in the three formulas from which its tests draw one."""


def rules_of(terms, **fields):
    return Rules.from_json({"terms": terms, **fields})


def judge(rules, *subjects, absences=0, is_closed=False):
    """Return the standings of the subjects and the situation of a year with 200 days."""
    year = YearRecord(
        dict(enumerate(subjects, 1)), AttendanceDays(200, absences), None, is_closed
    )
    outcome = decide_outcome(rules, year)
    standings = {result.standing.value for result in outcome.subjects.values()}
    return standings, outcome.situation.value


def exempt(*terms):
    """Return the grades of a subject; a term without one is exempt."""
    numbers = {n for n, tenths in enumerate(terms, 1) if tenths is None}
    return SubjectGrades(terms, exempt_terms=frozenset(numbers))


@pytest.mark.parametrize(
    ("subjects", "means"),
    [
        (
            [(None, 54, 67, 100), (91, 54, 67, 100)],
            [Fraction(221, 30), Fraction(39, 5)],
        ),
        ([(None, None), (91, 54)], [None, Fraction(29, 4)]),
        ([(70, None), (91, 54)], [7, Fraction(29, 4)]),
    ],
)
def test_exempt_terms_and_subjects_are_approved(subjects, means):
    rules = rules_of(len(subjects[0]), **WITHOUT_RECOVERY)
    grades = [exempt(*terms) for terms in subjects]

    assert judge(rules, *grades, absences=12)[1] == "approved"
    assert [evaluate_subject(rules, one).final_mean for one in grades] == means


@pytest.mark.parametrize(
    ("terms", "absences", "dependencies", "standing", "situation"),
    [
        ((80, 80, 80, 80), 12, 0, "passed", "approved"),
        ((43, 54, 67, 30), 10, 0, "failed", "failed"),
        ((43, 54, 67, 30), 12, 2, "failed", "approved_with_dependency"),
        ((91, 78, 67, 69), 27 + 58 + 32 + 29, 0, "passed", "failed_by_attendance"),
        ((97, 100, 70, 90), 11, 0, "passed", "approved"),
        ((97, 100, 70, None), 11, 0, "open", "in_progress"),
    ],
)
def test_year_without_recovery_ends_the_same(
    terms, absences, dependencies, standing, situation
):
    rules = rules_of(4, **WITHOUT_RECOVERY, dependencies=dependencies)
    subjects = [SubjectGrades(terms)] * 2

    assert judge(rules, *subjects, absences=absences) == ({standing}, situation)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(
    ("terms", "exam", "absences", "standing", "situation"),
    [
        ((80, 80, 80, 80), None, 0, "passed", "approved"),
        ((80, 80, 80, 80), None, 48 + 45 + 17 + 24, "passed", "failed_by_attendance"),
        ((50, 50, 50, 50), None, 12, "recovery", "in_recovery"),
        ((60, 50, 60, 50), None, 18, "recovery", "in_recovery"),
        ((60, 50, 60, 50), 80, 18, "passed_after_recovery", "approved_after_recovery"),
        ((60, 50, 60, 50), 50, 18, "failed", "failed"),
        ((60, 50, 60, 50), None, 24 + 17 + 51 + 22, "recovery", "in_recovery"),
        ((60, 50, 60, 50), 80, 32 + 27 + 51 + 32, "passed_after_recovery", "failed_by_attendance"),
        ((60, 50, None, None), None, 4, "open", "in_progress"),
        ((70, 70, 70, 70), None, 8, "passed", "approved"),
    ],
)  # fmt: skip
def test_year_with_weighted_recovery_ends_the_same(
    weights, terms, exam, absences, standing, situation
):
    mean_weight, exam_weight = weights
    rules = rules_of(
        4,
        **WEIGHTED,
        recovery_mean_weight=mean_weight,
        recovery_exam_weight=exam_weight,
    )
    subjects = [SubjectGrades(terms, exam)] * 2

    assert judge(rules, *subjects, absences=absences) == ({standing}, situation)


def test_formulas_give_the_same_means():
    rules = rules_of(4, **WEIGHTED, recovery_mean_weight=6, recovery_exam_weight=4)

    assert evaluate_subject(rules, SubjectGrades((100, 80, 70, 70))).mean == 8
    after_exam = evaluate_subject(rules, SubjectGrades((50,) * 4, 70))
    assert after_exam.final_mean == Fraction(58, 10)


@pytest.mark.parametrize(
    ("weights", "after_8", "after_5"),
    [
        ((7, 3), Fraction(25, 4), Fraction(107, 20)),
        ((3, 2), Fraction(13, 2), Fraction(53, 10)),
        ((6, 4), Fraction(13, 2), Fraction(53, 10)),
    ],
)
def test_weighted_recovery_has_the_sums_of_the_formulas(weights, after_8, after_5):
    rules = rules_of(
        4, **WEIGHTED, recovery_mean_weight=weights[0], recovery_exam_weight=weights[1]
    )

    assert [
        evaluate_subject(rules, SubjectGrades((60, 50, 60, 50), exam)).final_mean
        for exam in (80, 50)
    ] == [after_8, after_5]


@pytest.mark.parametrize(("recovery", "mean"), [(20, 6), (70, Fraction(13, 2))])
def test_recovery_of_a_term_replaces_a_lower_grade(recovery, mean):
    rules = rules_of(2, **WITHOUT_RECOVERY, term_recovery="replace_if_higher")
    subject = SubjectGrades((60, 60), recoveries=(recovery, None))

    assert evaluate_subject(rules, subject).mean == mean
