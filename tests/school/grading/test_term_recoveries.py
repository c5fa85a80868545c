"""Recoveries of terms: the grade of a term, and how it is explained."""

from fractions import Fraction

import pytest
from django.utils.translation import override

from school.grading import labels
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.subjects import SubjectGrades, evaluate_subject, partial_mean

AMAZONAS = DEFAULT_PROFILES[0].rules
HIGHER, MEAN = (
    AMAZONAS.model_copy(update={"term_recovery": rule})
    for rule in ("replace_if_higher", "mean")
)
GRADES = SubjectGrades((50, 60, None, 60), recoveries=(75, 40, 90, None))


@pytest.mark.parametrize(
    ("rules", "mean"),
    [
        (AMAZONAS, Fraction(17, 3)),
        (HIGHER, Fraction(13, 2)),
        (MEAN, Fraction(625 + 500 + 600, 300)),
    ],
)
def test_mean_so_far_has_the_grades_after_recovery(rules, mean):
    result = evaluate_subject(rules, GRADES)

    assert (result.standing, result.mean) == ("open", mean)
    assert partial_mean(GRADES, rules) == mean
    assert list(GRADES.missing_terms) == [3]


def test_needed_grade_counts_with_the_recovered_terms():
    # 24.0 are needed in four terms, and 7.5 + 6.0 + 6.0 are there.
    assert evaluate_subject(HIGHER, GRADES).needed_grade == 45


def test_recovery_of_a_term_lets_the_subject_pass():
    grades = SubjectGrades((55, 60, 60, 60), recoveries=(60, None, None, None))

    assert evaluate_subject(HIGHER, grades).standing == "passed"
    assert evaluate_subject(MEAN, grades).standing == "recovery"


@pytest.mark.parametrize(
    ("rules", "english", "portuguese"),
    [
        (
            HIGHER,
            "1st bimester after its recovery: the higher of 5.0 and 7.5 = 7.5. "
            "2nd bimester after its recovery: the higher of 6.0 and 4.0 = 6.0. "
            "(7.5 + 6.0 + 6.0) / 3 = 6.5 so far. "
            "4.5 in the 3rd bimester is enough to pass.",
            "1º bimestre depois da recuperação: a maior entre 5,0 e 7,5 = 7,5. "
            "2º bimestre depois da recuperação: a maior entre 6,0 e 4,0 = 6,0. "
            "(7,5 + 6,0 + 6,0) / 3 = 6,5 até agora. "
            "Basta tirar 4,5 no 3º bimestre para passar.",
        ),
        (
            MEAN,
            "1st bimester after its recovery: (5.0 + 7.5) / 2 = 6.25. "
            "2nd bimester after its recovery: (6.0 + 4.0) / 2 = 5.0. "
            "(6.25 + 5.0 + 6.0) / 3 = 5.75 so far. "
            "Needs at least 6.8 in the 3rd bimester to pass.",
            "1º bimestre depois da recuperação: (5,0 + 7,5) / 2 = 6,25. "
            "2º bimestre depois da recuperação: (6,0 + 4,0) / 2 = 5,0. "
            "(6,25 + 5,0 + 6,0) / 3 = 5,75 até agora. "
            "Precisa tirar pelo menos 6,8 no 3º bimestre para passar.",
        ),
    ],
)
def test_recovery_of_a_term_is_explained(rules, english, portuguese):
    result = evaluate_subject(rules, GRADES)

    with override("pt-br"):
        assert labels.explain_subject(rules, GRADES, result) == portuguese
    with override("en"):
        assert labels.explain_subject(rules, GRADES, result) == english
