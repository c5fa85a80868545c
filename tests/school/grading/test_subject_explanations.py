from decimal import Decimal

import pytest
from django.utils.translation import override

from school.grading import labels, outcome, subjects
from school.grading.attendance import AttendanceDays
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.outcome import YearRecord
from school.grading.rules import Rules
from school.grading.subjects import SubjectGrades

AMAZONAS, NUMERIC, CONCEPT = (shipped.rules for shipped in DEFAULT_PROFILES[:3])
NO_EXAM = Rules(terms=4, pass_mark=Decimal(6))
HALVES = AMAZONAS.model_copy(update={"rounding": "half_up", "rounding_step": "0.5"})
UP = AMAZONAS.model_copy(update={"rounding": "up", "rounding_step": "1"})
DOWN = AMAZONAS.model_copy(update={"rounding": "down"})
HIGHER = AMAZONAS.model_copy(update={"recovery_rule": "replace_if_higher"})
STRICT = AMAZONAS.model_copy(update={"fail_if_unrecoverable": True})
WEIGHTED = Rules(
    terms=3, term_kind="trimester", mean_rule="weighted", term_weights=(1, 2, 3),
    pass_mark=Decimal(6),
)  # fmt: skip
ONE = Rules(terms=1, pass_mark=Decimal(6), term_kind="semester")
MIXED = (55, 60, 50, 55)

SUBJECTS = [
    (
        AMAZONAS,
        SubjectGrades((60, 60, 60, 60)),
        "(6.0 + 6.0 + 6.0 + 6.0) / 4 = 6.0 ≥ 6.0",
        "(6,0 + 6,0 + 6,0 + 6,0) / 4 = 6,0 ≥ 6,0",
    ),
    (
        AMAZONAS,
        SubjectGrades(MIXED, 64),
        "(5.5 + 6.0 + 5.0 + 5.5) / 4 = 5.5 < 6.0; (5.5 + 6.4) / 2 = 5.95 < 6.0",
        "(5,5 + 6,0 + 5,0 + 5,5) / 4 = 5,5 < 6,0; (5,5 + 6,4) / 2 = 5,95 < 6,0",
    ),
    (
        AMAZONAS,
        SubjectGrades((59,) * 4),
        "(5.9 + 5.9 + 5.9 + 5.9) / 4 = 5.9 < 6.0; "
        "needs at least 6.1 in the recovery exam",
        "(5,9 + 5,9 + 5,9 + 5,9) / 4 = 5,9 < 6,0; "
        "precisa de pelo menos 6,1 na recuperação final",
    ),
    (
        AMAZONAS,
        SubjectGrades((19,) * 4),
        "(1.9 + 1.9 + 1.9 + 1.9) / 4 = 1.9 < 6.0; "
        "would need 10.1 in the recovery exam: more than 10.0",
        "(1,9 + 1,9 + 1,9 + 1,9) / 4 = 1,9 < 6,0; "
        "precisaria de 10,1 na recuperação final: mais que 10,0",
    ),
    (
        AMAZONAS,
        SubjectGrades((20,) * 4),
        "(2.0 + 2.0 + 2.0 + 2.0) / 4 = 2.0 < 6.0; "
        "needs at least 10.0 in the recovery exam",
        "(2,0 + 2,0 + 2,0 + 2,0) / 4 = 2,0 < 6,0; "
        "precisa de pelo menos 10,0 na recuperação final",
    ),
    (
        NO_EXAM,
        SubjectGrades((50, 45, 45, None)),
        "(5.0 + 4.5 + 4.5) / 3 = 4.6666… so far; "
        "needs at least 10.0 in each bimester that is missing (4)",
        "(5,0 + 4,5 + 4,5) / 3 = 4,6666… até agora; "
        "precisa de pelo menos 10,0 em cada bimestre que falta (4)",
    ),
    (
        STRICT,
        SubjectGrades((19,) * 4),
        "(1.9 + 1.9 + 1.9 + 1.9) / 4 = 1.9 < 6.0; "
        "would need 10.1 in the recovery exam: more than 10.0",
        "(1,9 + 1,9 + 1,9 + 1,9) / 4 = 1,9 < 6,0; "
        "precisaria de 10,1 na recuperação final: mais que 10,0",
    ),
    (
        NO_EXAM,
        SubjectGrades((59, 60, 60, 60), 100),
        "(5.9 + 6.0 + 6.0 + 6.0) / 4 = 5.975 < 6.0",
        "(5,9 + 6,0 + 6,0 + 6,0) / 4 = 5,975 < 6,0",
    ),
    (
        AMAZONAS,
        SubjectGrades((60,) * 4, 20),
        "(6.0 + 6.0 + 6.0 + 6.0) / 4 = 6.0 ≥ 6.0",
        "(6,0 + 6,0 + 6,0 + 6,0) / 4 = 6,0 ≥ 6,0",
    ),
    (
        AMAZONAS,
        SubjectGrades((55, 60, None, None)),
        "(5.5 + 6.0) / 2 = 5.75 so far; "
        "needs at least 6.3 in each bimester that is missing (3, 4)",
        "(5,5 + 6,0) / 2 = 5,75 até agora; "
        "precisa de pelo menos 6,3 em cada bimestre que falta (3, 4)",
    ),
    (
        AMAZONAS,
        SubjectGrades((None,) * 4),
        "no grade yet; needs at least 6.0 in each bimester that is missing (1, 2, 3, 4)",
        "nenhuma nota ainda; "
        "precisa de pelo menos 6,0 em cada bimestre que falta (1, 2, 3, 4)",
    ),
    (
        AMAZONAS,
        SubjectGrades((100, 80, 60, None)),
        "(10.0 + 8.0 + 6.0) / 3 = 8.0 so far; passes with any remaining grades",
        "(10,0 + 8,0 + 6,0) / 3 = 8,0 até agora; "
        "aprovado com qualquer nota que ainda falte",
    ),
    (
        AMAZONAS,
        SubjectGrades((40, 40, 40, None)),
        "(4.0 + 4.0 + 4.0) / 3 = 4.0 so far; would need 12.0 in each bimester that is "
        "missing (4): more than 10.0, but may pass by the recovery exam",
        "(4,0 + 4,0 + 4,0) / 3 = 4,0 até agora; precisaria de 12,0 em cada bimestre que "
        "falta (4): mais que 10,0, mas pode passar pela recuperação final",
    ),
    (
        NO_EXAM,
        SubjectGrades((40, 40, 40, None)),
        "(4.0 + 4.0 + 4.0) / 3 = 4.0 so far; would need 12.0 in each bimester that is "
        "missing (4): more than 10.0",
        "(4,0 + 4,0 + 4,0) / 3 = 4,0 até agora; precisaria de 12,0 em cada bimestre que "
        "falta (4): mais que 10,0",
    ),
    (
        NUMERIC,
        SubjectGrades((50,) * 4, 75),
        "(5.0 + 5.0 + 5.0 + 5.0) / 4 = 5.0 < 6.0; (5.0 × 6 + 7.5 × 4) / 10 = 6.0 ≥ 6.0",
        "(5,0 + 5,0 + 5,0 + 5,0) / 4 = 5,0 < 6,0; (5,0 × 6 + 7,5 × 4) / 10 = 6,0 ≥ 6,0",
    ),
    (
        HIGHER,
        SubjectGrades((50,) * 4, 62),
        "(5.0 + 5.0 + 5.0 + 5.0) / 4 = 5.0 < 6.0; "
        "the higher of 5.0 and 6.2 = 6.2 ≥ 6.0",
        "(5,0 + 5,0 + 5,0 + 5,0) / 4 = 5,0 < 6,0; a maior entre 5,0 e 6,2 = 6,2 ≥ 6,0",
    ),
    (
        HALVES,
        SubjectGrades((57, 58, 58, 57)),
        "(5.7 + 5.8 + 5.8 + 5.7) / 4 = 5.75 ≈ rounded half up to 0.5: 6.0 ≥ 6.0",
        "(5,7 + 5,8 + 5,8 + 5,7) / 4 = 5,75 ≈ arredondada (meio para cima) a 0,5: "
        "6,0 ≥ 6,0",
    ),
    (
        HALVES,
        SubjectGrades((50,) * 4, 64),
        "(5.0 + 5.0 + 5.0 + 5.0) / 4 = 5.0 < 6.0; "
        "(5.0 + 6.4) / 2 = 5.7 ≈ rounded half up to 0.5: 5.5 < 6.0",
        "(5,0 + 5,0 + 5,0 + 5,0) / 4 = 5,0 < 6,0; "
        "(5,0 + 6,4) / 2 = 5,7 ≈ arredondada (meio para cima) a 0,5: 5,5 < 6,0",
    ),
    (
        UP,
        SubjectGrades((51,) * 4),
        "(5.1 + 5.1 + 5.1 + 5.1) / 4 = 5.1 ≈ rounded up to 1.0: 6.0 ≥ 6.0",
        "(5,1 + 5,1 + 5,1 + 5,1) / 4 = 5,1 ≈ arredondada para cima a 1,0: 6,0 ≥ 6,0",
    ),
    (
        DOWN,
        SubjectGrades((59, 60, 60, 60)),
        "(5.9 + 6.0 + 6.0 + 6.0) / 4 = 5.975 ≈ rounded down to 0.1: 5.9 < 6.0; "
        "needs at least 6.1 in the recovery exam",
        "(5,9 + 6,0 + 6,0 + 6,0) / 4 = 5,975 ≈ arredondada para baixo a 0,1: 5,9 < 6,0; "
        "precisa de pelo menos 6,1 na recuperação final",
    ),
    (
        WEIGHTED,
        SubjectGrades((50, 80, 50)),
        "(5.0 × 1 + 8.0 × 2 + 5.0 × 3) / 6 = 6.0 ≥ 6.0",
        "(5,0 × 1 + 8,0 × 2 + 5,0 × 3) / 6 = 6,0 ≥ 6,0",
    ),
    (
        WEIGHTED,
        SubjectGrades((50, None, 52)),
        "(5.0 × 1 + 5.2 × 3) / 4 = 5.15 so far; "
        "needs at least 7.7 in each trimester that is missing (2)",
        "(5,0 × 1 + 5,2 × 3) / 4 = 5,15 até agora; "
        "precisa de pelo menos 7,7 em cada trimestre que falta (2)",
    ),
    (
        WEIGHTED,
        SubjectGrades((56, 59, 60)),
        "(5.6 × 1 + 5.9 × 2 + 6.0 × 3) / 6 = 5.9 < 6.0",
        "(5,6 × 1 + 5,9 × 2 + 6,0 × 3) / 6 = 5,9 < 6,0",
    ),
    (
        WEIGHTED,
        SubjectGrades((57, 59, 60)),
        "(5.7 × 1 + 5.9 × 2 + 6.0 × 3) / 6 = 5.9166… < 6.0",
        "(5,7 × 1 + 5,9 × 2 + 6,0 × 3) / 6 = 5,9166… < 6,0",
    ),
    (ONE, SubjectGrades((59,)), "5.9 < 6.0", "5,9 < 6,0"),
    (
        ONE,
        SubjectGrades((None,)),
        "no grade yet; needs at least 6.0 in each semester that is missing (1)",
        "nenhuma nota ainda; precisa de pelo menos 6,0 em cada semestre que falta (1)",
    ),
]


def test_subject_closed_without_exam_is_explained():
    grades = SubjectGrades((59,) * 4)
    result = subjects.close_without_exam(subjects.evaluate_subject(AMAZONAS, grades))

    with override("en"):
        assert labels.explain_subject(AMAZONAS, grades, result) == (
            "(5.9 + 5.9 + 5.9 + 5.9) / 4 = 5.9 < 6.0; "
            "the year closed without the recovery exam"
        )
    with override("pt-br"):
        assert labels.explain_subject(AMAZONAS, grades, result) == (
            "(5,9 + 5,9 + 5,9 + 5,9) / 4 = 5,9 < 6,0; "
            "o ano fechou sem a recuperação final"
        )


@pytest.mark.parametrize(("rules", "grades", "english", "portuguese"), SUBJECTS)
def test_subject_explanation_shows_its_calculation(rules, grades, english, portuguese):
    result = subjects.evaluate_subject(rules, grades)

    with override("en"):
        assert labels.explain_subject(rules, grades, result) == english
    with override("pt-br"):
        assert labels.explain_subject(rules, grades, result) == portuguese


def test_subject_without_rules_is_explained_by_its_mean():
    year = YearRecord(
        {1: SubjectGrades((60, None, 70)), 2: SubjectGrades((None,))},
        AttendanceDays(),
        None,
    )
    decided = outcome.decide_outcome(None, year).subjects

    with override("en"):
        assert labels.explain_subject(None, year.subjects[1], decided[1]) == (
            "(6.0 + 7.0) / 2 = 6.5 so far"
        )
        assert (
            labels.explain_subject(None, year.subjects[2], decided[2]) == "no grade yet"
        )
