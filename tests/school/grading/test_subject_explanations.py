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
NO_MARK = NO_EXAM.model_copy(update={"pass_mark": "0"})
QUARTERS = HALVES.model_copy(update={"rounding_step": "0.25", "pass_mark": "0"})
PRUDENT = AMAZONAS.model_copy(update={"dependencies": 1})
ONE = Rules(terms=1, pass_mark=Decimal(6), term_kind="semester")
MIXED = (55, 60, 50, 55)

SUBJECTS = [
    (
        NO_MARK,
        SubjectGrades((10, 20, 20, 20)),
        "(1.0 + 2.0 + 2.0 + 2.0) / 4 = 1.75.",
        "(1,0 + 2,0 + 2,0 + 2,0) / 4 = 1,75.",
    ),
    (
        QUARTERS,
        SubjectGrades((59, 60, 60, 60)),
        "(5.9 + 6.0 + 6.0 + 6.0) / 4 = 5.975. The mean 5.97 is rounded to 6.0 (to the nearest multiple of 0.25).",
        "(5,9 + 6,0 + 6,0 + 6,0) / 4 = 5,975. A média 5,97 é arredondada para 6,0 (em passos de 0,25 ponto).",
    ),
    (
        PRUDENT,
        SubjectGrades((19,) * 4),
        "(1.9 + 1.9 + 1.9 + 1.9) / 4 = 1.9 < 6.0. Not even 10.0 in the recovery exam would reach 6.0.",
        "(1,9 + 1,9 + 1,9 + 1,9) / 4 = 1,9 < 6,0. Nem com 10,0 na recuperação chegaria a 6,0.",
    ),
    (
        HIGHER.model_copy(update={"recovery_pass_mark": "5"}),
        SubjectGrades((55,) * 4),
        "(5.5 + 5.5 + 5.5 + 5.5) / 4 = 5.5 < 6.0. Passes with any grade in the recovery exam, but must take it.",
        "(5,5 + 5,5 + 5,5 + 5,5) / 4 = 5,5 < 6,0. Precisa fazer a recuperação e passa com qualquer nota.",
    ),
    (
        AMAZONAS,
        SubjectGrades((60, 60, 60, 60)),
        "(6.0 + 6.0 + 6.0 + 6.0) / 4 = 6.0 ≥ 6.0.",
        "(6,0 + 6,0 + 6,0 + 6,0) / 4 = 6,0 ≥ 6,0.",
    ),
    (
        AMAZONAS,
        SubjectGrades(MIXED, 64),
        "(5.5 + 6.0 + 5.0 + 5.5) / 4 = 5.5 < 6.0. (5.5 + 6.4) / 2 = 5.95 < 6.0.",
        "(5,5 + 6,0 + 5,0 + 5,5) / 4 = 5,5 < 6,0. (5,5 + 6,4) / 2 = 5,95 < 6,0.",
    ),
    (
        AMAZONAS,
        SubjectGrades((59,) * 4),
        "(5.9 + 5.9 + 5.9 + 5.9) / 4 = 5.9 < 6.0. Needs at least 6.1 in the recovery exam to pass.",
        "(5,9 + 5,9 + 5,9 + 5,9) / 4 = 5,9 < 6,0. Precisa tirar pelo menos 6,1 na recuperação para passar.",
    ),
    (
        AMAZONAS,
        SubjectGrades((19,) * 4),
        "(1.9 + 1.9 + 1.9 + 1.9) / 4 = 1.9 < 6.0. Not even 10.0 in the recovery exam would reach 6.0; the class council can decide.",
        "(1,9 + 1,9 + 1,9 + 1,9) / 4 = 1,9 < 6,0. Nem com 10,0 na recuperação chegaria a 6,0; quem pode decidir é o conselho de classe.",
    ),
    (
        AMAZONAS,
        SubjectGrades((20,) * 4),
        "(2.0 + 2.0 + 2.0 + 2.0) / 4 = 2.0 < 6.0. Needs at least 10.0 in the recovery exam to pass.",
        "(2,0 + 2,0 + 2,0 + 2,0) / 4 = 2,0 < 6,0. Precisa tirar pelo menos 10,0 na recuperação para passar.",
    ),
    (
        NO_EXAM,
        SubjectGrades((50, 45, 45, None)),
        "(5.0 + 4.5 + 4.5) / 3 = 4.6666… so far. Needs at least 10.0 in the 4th bimester to pass.",
        "(5,0 + 4,5 + 4,5) / 3 = 4,6666… até agora. Precisa tirar pelo menos 10,0 no 4º bimestre para passar.",
    ),
    (
        STRICT,
        SubjectGrades((19,) * 4),
        "(1.9 + 1.9 + 1.9 + 1.9) / 4 = 1.9 < 6.0. Not even 10.0 in the recovery exam would reach 6.0; the class council can decide.",
        "(1,9 + 1,9 + 1,9 + 1,9) / 4 = 1,9 < 6,0. Nem com 10,0 na recuperação chegaria a 6,0; quem pode decidir é o conselho de classe.",
    ),
    (
        NO_EXAM,
        SubjectGrades((59, 60, 60, 60), 100),
        "(5.9 + 6.0 + 6.0 + 6.0) / 4 = 5.975 < 6.0.",
        "(5,9 + 6,0 + 6,0 + 6,0) / 4 = 5,975 < 6,0.",
    ),
    (
        AMAZONAS,
        SubjectGrades((60,) * 4, 20),
        "(6.0 + 6.0 + 6.0 + 6.0) / 4 = 6.0 ≥ 6.0.",
        "(6,0 + 6,0 + 6,0 + 6,0) / 4 = 6,0 ≥ 6,0.",
    ),
    (
        AMAZONAS,
        SubjectGrades((55, 60, None, None)),
        "(5.5 + 6.0) / 2 = 5.75 so far. Needs at least 6.3 in the 3rd and in the 4th bimester to pass.",
        "(5,5 + 6,0) / 2 = 5,75 até agora. Precisa tirar pelo menos 6,3 no 3º e no 4º bimestre para passar.",
    ),
    (
        AMAZONAS,
        SubjectGrades((None,) * 4),
        "There are no grades yet. 6.0 in the 1st, in the 2nd, in the 3rd and in the 4th bimester is enough to pass.",
        "Ainda não há notas. Basta tirar 6,0 no 1º, no 2º, no 3º e no 4º bimestre para passar.",
    ),
    (
        AMAZONAS,
        SubjectGrades((100, 80, 60, None)),
        "(10.0 + 8.0 + 6.0) / 3 = 8.0 so far. Passes with any remaining grades.",
        "(10,0 + 8,0 + 6,0) / 3 = 8,0 até agora. Já passa com qualquer nota que ainda falte.",
    ),
    (
        AMAZONAS,
        SubjectGrades((40, 40, 40, None)),
        "(4.0 + 4.0 + 4.0) / 3 = 4.0 so far. Not even 10.0 in the 4th bimester reaches 6.0; can pass by the recovery exam.",
        "(4,0 + 4,0 + 4,0) / 3 = 4,0 até agora. Nem com 10,0 no 4º bimestre chega a 6,0; pode passar pela recuperação.",
    ),
    (
        NO_EXAM,
        SubjectGrades((40, 40, 40, None)),
        "(4.0 + 4.0 + 4.0) / 3 = 4.0 so far. Not even 10.0 in the 4th bimester reaches 6.0; the class council can decide.",
        "(4,0 + 4,0 + 4,0) / 3 = 4,0 até agora. Nem com 10,0 no 4º bimestre chega a 6,0; quem pode decidir é o conselho de classe.",
    ),
    (
        NUMERIC,
        SubjectGrades((50,) * 4, 75),
        "(5.0 + 5.0 + 5.0 + 5.0) / 4 = 5.0 < 6.0. (5.0 × 6 + 7.5 × 4) / 10 = 6.0 ≥ 6.0.",
        "(5,0 + 5,0 + 5,0 + 5,0) / 4 = 5,0 < 6,0. (5,0 × 6 + 7,5 × 4) / 10 = 6,0 ≥ 6,0.",
    ),
    (
        HIGHER,
        SubjectGrades((50,) * 4, 62),
        "(5.0 + 5.0 + 5.0 + 5.0) / 4 = 5.0 < 6.0. The higher of 5.0 and 6.2 = 6.2 ≥ 6.0.",
        "(5,0 + 5,0 + 5,0 + 5,0) / 4 = 5,0 < 6,0. A maior entre 5,0 e 6,2 = 6,2 ≥ 6,0.",
    ),
    (
        HALVES,
        SubjectGrades((57, 58, 58, 57)),
        "(5.7 + 5.8 + 5.8 + 5.7) / 4 = 5.75. The mean 5.75 is rounded to 6.0 (to the nearest half point); the minimum is 6.0.",
        "(5,7 + 5,8 + 5,8 + 5,7) / 4 = 5,75. A média 5,75 é arredondada para 6,0 (de meio em meio ponto); o mínimo é 6,0.",
    ),
    (
        HALVES,
        SubjectGrades((50,) * 4, 64),
        "(5.0 + 5.0 + 5.0 + 5.0) / 4 = 5.0 < 6.0. (5.0 + 6.4) / 2 = 5.7. The mean 5.7 is rounded to 5.5 (to the nearest half point); the minimum is 6.0.",
        "(5,0 + 5,0 + 5,0 + 5,0) / 4 = 5,0 < 6,0. (5,0 + 6,4) / 2 = 5,7. A média 5,7 é arredondada para 5,5 (de meio em meio ponto); o mínimo é 6,0.",
    ),
    (
        UP,
        SubjectGrades((51,) * 4),
        "(5.1 + 5.1 + 5.1 + 5.1) / 4 = 5.1. The mean 5.1 is rounded to 6.0 (up to the next whole point); the minimum is 6.0.",
        "(5,1 + 5,1 + 5,1 + 5,1) / 4 = 5,1. A média 5,1 é arredondada para 6,0 (para cima, de ponto em ponto); o mínimo é 6,0.",
    ),
    (
        DOWN,
        SubjectGrades((59, 60, 60, 60)),
        "(5.9 + 6.0 + 6.0 + 6.0) / 4 = 5.975. The mean 5.97 is rounded to 5.9 (down to a tenth of a point); the minimum is 6.0. Needs at least 6.1 in the recovery exam to pass.",
        "(5,9 + 6,0 + 6,0 + 6,0) / 4 = 5,975. A média 5,97 é arredondada para 5,9 (para baixo, de décimo em décimo); o mínimo é 6,0. Precisa tirar pelo menos 6,1 na recuperação para passar.",
    ),
    (
        WEIGHTED,
        SubjectGrades((50, 80, 50)),
        "(5.0 × 1 + 8.0 × 2 + 5.0 × 3) / 6 = 6.0 ≥ 6.0.",
        "(5,0 × 1 + 8,0 × 2 + 5,0 × 3) / 6 = 6,0 ≥ 6,0.",
    ),
    (
        WEIGHTED,
        SubjectGrades((50, None, 52)),
        "(5.0 × 1 + 5.2 × 3) / 4 = 5.15 so far. Needs at least 7.7 in the 2nd trimester to pass.",
        "(5,0 × 1 + 5,2 × 3) / 4 = 5,15 até agora. Precisa tirar pelo menos 7,7 no 2º trimestre para passar.",
    ),
    (
        WEIGHTED,
        SubjectGrades((56, 59, 60)),
        "(5.6 × 1 + 5.9 × 2 + 6.0 × 3) / 6 = 5.9 < 6.0.",
        "(5,6 × 1 + 5,9 × 2 + 6,0 × 3) / 6 = 5,9 < 6,0.",
    ),
    (
        WEIGHTED,
        SubjectGrades((57, 59, 60)),
        "(5.7 × 1 + 5.9 × 2 + 6.0 × 3) / 6 = 5.9166… < 6.0.",
        "(5,7 × 1 + 5,9 × 2 + 6,0 × 3) / 6 = 5,9166… < 6,0.",
    ),
    (ONE, SubjectGrades((59,)), "5.9 < 6.0.", "5,9 < 6,0."),
    (
        ONE,
        SubjectGrades((None,)),
        "There are no grades yet. 6.0 in the 1st semester is enough to pass.",
        "Ainda não há notas. Basta tirar 6,0 no 1º semestre para passar.",
    ),
]


def test_subject_closed_without_exam_is_explained():
    grades = SubjectGrades((59,) * 4)
    result = subjects.close_without_exam(subjects.evaluate_subject(AMAZONAS, grades))

    with override("en"):
        assert labels.explain_subject(AMAZONAS, grades, result) == (
            "(5.9 + 5.9 + 5.9 + 5.9) / 4 = 5.9 < 6.0. The year closed without a grade in the recovery exam."
        )
    with override("pt-br"):
        assert labels.explain_subject(AMAZONAS, grades, result) == (
            "(5,9 + 5,9 + 5,9 + 5,9) / 4 = 5,9 < 6,0. O ano fechou sem a nota da recuperação."
        )


@pytest.mark.parametrize(("rules", "grades", "english", "portuguese"), SUBJECTS)
def test_subject_explanation_shows_its_calculation(rules, grades, english, portuguese):
    result = subjects.evaluate_subject(rules, grades)

    with override("en"):
        assert labels.explain_subject(rules, grades, result) == english
    with override("pt-br"):
        assert labels.explain_subject(rules, grades, result) == portuguese


FULL_YEAR = frozenset({1, 2, 3, 4})
GIVEN = CONCEPT.model_copy(
    update={
        "assessment": "concepts", "recovery_rule": "replace_if_higher",
        "pass_mark": "0", "pass_concept": CONCEPT.scale[-2].label,
    }
)  # fmt: skip
LOW, PASS, BEST = (band.label for band in CONCEPT.scale[-3:])
UNDUE_TERMS = [
    (
        AMAZONAS,
        SubjectGrades((54, None, 67, 100), exempt_terms=frozenset({2})),
        "Exempt from the 2nd bimester, which does not count. (5.4 + 6.7 + 10.0) / 3 = 7.3666… ≥ 6.0.",
        "Tem dispensa do 2º bimestre, que não conta. (5,4 + 6,7 + 10,0) / 3 = 7,3666… ≥ 6,0.",
    ),
    (
        AMAZONAS,
        SubjectGrades((None, None, 60, 62), outside_terms=frozenset({1, 2})),
        "Not enrolled in the 1st and in the 2nd bimester, which do not count. (6.0 + 6.2) / 2 = 6.1 ≥ 6.0.",
        "Não tinha matrícula no 1º e no 2º bimestre, que não contam. (6,0 + 6,2) / 2 = 6,1 ≥ 6,0.",
    ),
    (
        AMAZONAS,
        SubjectGrades((60, None, None, 62), outside_terms=frozenset({1}), exempt_terms=frozenset({2, 3})),
        "Exempt from the 2nd and the 3rd bimester, which do not count. (6.0 + 6.2) / 2 = 6.1 ≥ 6.0.",
        "Tem dispensa do 2º e do 3º bimestre, que não contam. (6,0 + 6,2) / 2 = 6,1 ≥ 6,0.",
    ),
    (AMAZONAS, SubjectGrades((None,) * 4, exempt_terms=FULL_YEAR), "Exempt from this subject.", "Tem dispensa desta disciplina."),
    (AMAZONAS, SubjectGrades((None,) * 4, is_optional=True), "Does not take this optional subject.", "Não cursa esta disciplina, que é optativa."),
    (
        GIVEN,
        SubjectGrades((None,) * 4, concepts=(LOW, PASS, PASS, LOW)),
        f"The year's concept is {LOW}; the minimum is {PASS}. Needs at least {PASS} in the recovery exam to pass.",
        f"O conceito do ano é {LOW}; o mínimo é {PASS}. Precisa tirar pelo menos {PASS} na recuperação para passar.",
    ),
    (GIVEN, SubjectGrades((None,) * 4, concepts=(LOW, BEST, None, None)), f"The last concept is {BEST}. Needs at least {PASS} in the 4th bimester to pass.", f"O último conceito é {BEST}. Precisa tirar pelo menos {PASS} no 4º bimestre para passar."),
    (GIVEN, SubjectGrades((None,) * 4, concepts=(None,) * 4), f"No concept yet. Needs at least {PASS} in the 4th bimester to pass.", f"Ainda não há conceito. Precisa tirar pelo menos {PASS} no 4º bimestre para passar."),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "grades", "english", "portuguese"), UNDUE_TERMS)
def test_terms_and_subjects_that_do_not_count_are_explained(
    rules, grades, english, portuguese
):
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
            "(6.0 + 7.0) / 2 = 6.5 so far."
        )
        assert (
            labels.explain_subject(None, year.subjects[2], decided[2])
            == "There are no grades yet."
        )
