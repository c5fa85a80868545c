import re
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from django.utils.translation import override
from hypothesis import given as given_data
from hypothesis import strategies as st

from school.grading import labels
from school.grading.attendance import AttendanceDays
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.outcome import Reason, ReasonCode, YearRecord, decide_outcome
from school.grading.subjects import SubjectGrades
from tests.school.grading import strategies

AMAZONAS = DEFAULT_PROFILES[0].rules
NAMES = {1: "Matemática", 2: "História", 3: "Arte", 4: "Física"}
PASSED, FAILED = SubjectGrades((60,) * 4), SubjectGrades((55,) * 4, 64)
LOW, IN_RECOVERY = SubjectGrades((19,) * 4), SubjectGrades((59,) * 4)
LONG_MEAN = SubjectGrades((58, 59, 59, 59))
OPEN, SAFE = SubjectGrades((60, 55, None, None)), SubjectGrades((100, 80, 60, None))
HARD, EMPTY = SubjectGrades((40, 40, 40, None)), SubjectGrades((None,) * 4)
EASY = SubjectGrades((79, 79, None, 79))
PRESENT, LOW_ATTENDANCE = (
    AttendanceDays(lesson_days=200, absences=20),
    AttendanceDays(lesson_days=200, absences=51),
)
HALF = AttendanceDays(lesson_days=100, absences=10)
CAME, CAME_HALF = (
    "Came on 180 of the 200 school days (90%; the minimum is 75%).",
    "Came on 90 of the 100 school days (90%; the minimum is 75%).",
)
VEIO, VEIO_HALF = (
    "Veio a 180 dos 200 dias de aula (90 %; o mínimo é 75 %).",
    "Veio a 90 dos 100 dias de aula (90 %; o mínimo é 75 %).",
)


def explain(explanation, *subjects, days=PRESENT, ending=None, ended=(), rules=(), **year):  # fmt: skip
    rules = AMAZONAS.model_copy(update=dict(rules))
    year = YearRecord(dict(enumerate(subjects, 1)), days, ending, **year)
    ended_terms = (set(ended),) if ended else ()
    return explanation(rules, year, decide_outcome(rules, year), NAMES, *ended_terms)


REASONS = [
    ((PASSED,), {}, f"Passed the only subject. {CAME}", f"Passou na única disciplina. {VEIO}"),
    (
        (PASSED, PASSED),
        {"days": AttendanceDays(200, 31)},
        "Passed all 2 subjects. Came on 169 of the 200 school days (84.5%; the minimum is 75%).",
        "Passou nas 2 disciplinas. Veio a 169 dos 200 dias de aula (84,5 %; o mínimo é 75 %).",
    ),
    (
        (PASSED, FAILED, PASSED),
        {"days": LOW_ATTENDANCE},
        "Passed 2 of 3 subjects. Did not pass História: got 5.95 and needed 6.0. "
        "Came on 149 of the 200 school days (74.5%; the minimum is 75%).",
        "Passou em 2 de 3 disciplinas. Não passou em História: ficou com 5,95 e precisava de 6,0. "
        "Veio a 149 dos 200 dias de aula (74,5 %; o mínimo é 75 %).",
    ),
    (
        (FAILED, LOW, OPEN),
        {"days": LOW_ATTENDANCE},
        "Did not pass Matemática: got 5.95 and needed 6.0. "
        "Will take the recovery exam of História: the year's mean was 1.9 and the minimum is 6.0. "
        "There are no grades for the 3rd and the 4th bimester in Arte yet. "
        "Came on 149 of the 200 school days (74.5%; the minimum is 75%).",
        "Não passou em Matemática: ficou com 5,95 e precisava de 6,0. "
        "Vai fazer a recuperação de História: a média do ano foi 1,9 e o mínimo é 6,0. "
        "Ainda não há notas do 3º e do 4º bimestre em Arte. "
        "Veio a 149 dos 200 dias de aula (74,5 %; o mínimo é 75 %).",
    ),
    (
        (LONG_MEAN, IN_RECOVERY),
        {},
        "Will take the recovery exams of Matemática (5.87) and História (5.9); "
        f"the minimum is 6.0. {CAME}",
        "Vai fazer a recuperação de Matemática (5,87) e História (5,9); "
        f"o mínimo é 6,0. {VEIO}",
    ),
    (
        (FAILED, PASSED, FAILED),
        {"by_council": True},
        "Passed 1 of 3 subjects. Did not pass Matemática (5.95) and Arte (5.95); the minimum is 6.0. "
        f"The class council decided to approve. {CAME}",
        "Passou em 1 de 3 disciplinas. Não passou em Matemática (5,95) e Arte (5,95); o mínimo é 6,0. "
        f"O conselho de classe decidiu pela aprovação. {VEIO}",
    ),
    (
        (SubjectGrades((55,) * 4), FAILED),
        {"rules": {"recovery_pass_mark": "6.5"}, "is_closed": True},
        "Did not pass Matemática: got 5.5 and needed 6.0. "
        f"Did not pass História: got 5.95 and needed 6.5. {CAME}",
        "Não passou em Matemática: ficou com 5,5 e precisava de 6,0. "
        f"Não passou em História: ficou com 5,95 e precisava de 6,5. {VEIO}",
    ),
    (
        (FAILED,),
        {"rules": {"dependencies": 2}},
        "Did not pass Matemática: got 5.95 and needed 6.0. "
        f"Moves up owing 1 subject: Matemática (the network allows up to 2). {CAME}",
        "Não passou em Matemática: ficou com 5,95 e precisava de 6,0. "
        f"Passa de ano devendo 1 disciplina: Matemática (a rede permite até 2). {VEIO}",
    ),
    (
        (FAILED, FAILED),
        {"rules": {"dependencies": 2}},
        "Did not pass Matemática (5.95) and História (5.95); the minimum is 6.0. "
        f"Moves up owing 2 subjects: Matemática and História (the network allows up to 2). {CAME}",
        "Não passou em Matemática (5,95) e História (5,95); o mínimo é 6,0. "
        f"Passa de ano devendo 2 disciplinas: Matemática e História (a rede permite até 2). {VEIO}",
    ),
    (
        (),
        {"days": AttendanceDays()},
        "No school day is recorded yet. The class has no subjects.",
        "Ainda não há dias de aula registrados. A turma não tem disciplinas.",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(), "is_closed": True},
        "Passed the only subject. No school day is recorded.",
        "Passou na única disciplina. Não há dias de aula registrados.",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(1, 1)},
        "Passed the only subject. Came on 0 of 1 school day (0%; the minimum is 75%).",
        "Passou na única disciplina. Veio a 0 de 1 dia de aula (0 %; o mínimo é 75 %).",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(100, 30), "rules": {"attendance_base": "planned"}},
        "Passed the only subject. Missed 30 of the 200 school days planned for the year "
        "(attendance 85%; the minimum is 75%).",
        "Passou na única disciplina. Faltou a 30 dos 200 dias de aula previstos no ano "
        "(frequência de 85 %; o mínimo é 75 %).",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(201, 52), "rules": {"minimum_attendance": "0"}},
        "Passed the only subject. Came on 149 of the 201 school days (74.12%).",
        "Passou na única disciplina. Veio a 149 dos 201 dias de aula (74,12 %).",
    ),
    (
        (PASSED, PASSED),
        {"ending": "transferred"},
        f"Passed all 2 subjects. {CAME}",
        f"Passou nas 2 disciplinas. {VEIO}",
    ),
    (
        (IN_RECOVERY, OPEN),
        {"ending": "transferred"},
        "Was due for the recovery exam of Matemática: the year's mean was 5.9 and the minimum is 6.0. "
        f"There are no grades for the 3rd and the 4th bimester in História. {CAME}",
        "Ficou para a recuperação de Matemática: a média do ano foi 5,9 e o mínimo é 6,0. "
        f"Não há notas do 3º e do 4º bimestre em História. {VEIO}",
    ),
    (
        (IN_RECOVERY, IN_RECOVERY),
        {"ending": "abandoned"},
        "Was due for the recovery exams of Matemática (5.9) and História (5.9); "
        f"the minimum is 6.0. {CAME}",
        "Ficou para a recuperação de Matemática (5,9) e História (5,9); "
        f"o mínimo é 6,0. {VEIO}",
    ),
    ((OPEN, FAILED), {"ending": "deceased"}, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("subjects", "year", "english", "portuguese"), REASONS)
def test_full_explanation_lists_all_reasons(subjects, year, english, portuguese):
    with override("en"):
        assert explain(labels.full_explanation, *subjects, **year) == english
    with override("pt-br"):
        assert explain(labels.full_explanation, *subjects, **year) == portuguese


EXEMPT = SubjectGrades((None,) * 4, exempt_terms=frozenset({1, 2, 3, 4}))
EXTRA = SubjectGrades((30,) * 4, 10, counts_for_promotion=False)
DECLINED = SubjectGrades((None,) * 4, is_optional=True)
PROGRESSION, NO_RETENTION = {"retention": "attendance"}, {"retention": "none"}
NO_GRADES = {
    "assessment": "none",
    "retention": "attendance",
    "pass_mark": "0",
    "recovery_rule": "none",
    "minimum_attendance": "60",
}
GIVEN = {
    "assessment": "concepts", "recovery_rule": "replace_if_higher", "pass_mark": "0", "pass_concept": "C",
    "scale": [
        {"label": "D", "lowest": "0", "highest": "4.9"},
        {"label": "C", "lowest": "5", "highest": "7.9"},
        {"label": "A", "lowest": "8", "highest": "10"},
    ],
}  # fmt: skip


def given(*concepts, **fields):
    return SubjectGrades((None,) * 4, concepts=concepts, **fields)


FEW_GRADES = [
    (
        (PASSED, EXEMPT, DECLINED),
        {"is_closed": True},
        f"Passed the only subject. Exempt from História. {CAME}",
        f"Passou na única disciplina. Tem dispensa de História. {VEIO}",
    ),
    (
        (PASSED, EXTRA),
        {"is_closed": True},
        f"Passed 1 of 2 subjects. História does not count for moving up. {CAME}",
        f"Passou em 1 de 2 disciplinas. História não conta para passar de ano. {VEIO}",
    ),
    (
        (PASSED, EXTRA, EXTRA),
        {"is_closed": True},
        f"Passed 1 of 3 subjects. História and Arte do not count for moving up. {CAME}",
        f"Passou em 1 de 3 disciplinas. História e Arte não contam para passar de ano. {VEIO}",
    ),
    (
        (PASSED,),
        {"is_closed": True, "retained_by_council": True},
        f"Passed the only subject. The class council decided on retention. {CAME}",
        f"Passou na única disciplina. O conselho de classe decidiu pela retenção. {VEIO}",
    ),
    (
        (FAILED,),
        {"is_closed": True, "rules": PROGRESSION},
        f"Did not pass Matemática: got 5.95 and needed 6.0. Promoted: at this stage grades do not retain. {CAME}",
        f"Não passou em Matemática: ficou com 5,95 e precisava de 6,0. Promovido(a): nesta etapa não há reprovação por notas. {VEIO}",
    ),
    (
        (PASSED,),
        {"is_closed": True, "rules": NO_RETENTION, "days": LOW_ATTENDANCE},
        "Passed the only subject. Promoted: at this stage neither grades nor absences retain. "
        "Came on 149 of the 200 school days (74.5%; the minimum is 75%).",
        "Passou na única disciplina. Promovido(a): nesta etapa não há reprovação por notas nem por faltas. "
        "Veio a 149 dos 200 dias de aula (74,5 %; o mínimo é 75 %).",
    ),
    (
        (SubjectGrades((None,) * 4),),
        {"is_closed": True, "rules": NO_GRADES},
        "Promoted: at this stage grades do not retain. Came on 180 of the 200 school days (90%; the minimum is 60%).",
        "Promovido(a): nesta etapa não há reprovação por notas. Veio a 180 dos 200 dias de aula (90 %; o mínimo é 60 %).",
    ),
    (
        (),
        {"rules": NO_GRADES, "days": HALF},
        "Came on 90 of the 100 school days (90%; the minimum is 60%).",
        "Veio a 90 dos 100 dias de aula (90 %; o mínimo é 60 %).",
    ),
    (
        (given("A", "C", "D", "C"), given("A", "C", "C", "D", exam_concept="D"), given("C", "C", "C", "D")),
        {"rules": GIVEN},
        "Passed 1 of 3 subjects. Did not pass História: got D and needed C. "
        f"Will take the recovery exam of Arte: the year's concept was D and the minimum is C. {CAME}",
        "Passou em 1 de 3 disciplinas. Não passou em História: ficou com D e precisava de C. "
        f"Vai fazer a recuperação de Arte: o conceito do ano foi D e o mínimo é C. {VEIO}",
    ),
    (
        (given("C", "C", "C", "D"), given("C", "C", "C", None)),
        {"rules": GIVEN, "ending": "transferred"},
        "Was due for the recovery exam of Matemática: the year's concept was D and the minimum is C. "
        f"There are no concepts for the 4th bimester in História. {CAME}",
        "Ficou para a recuperação de Matemática: o conceito do ano foi D e o mínimo é C. "
        f"Não há conceitos do 4º bimestre em História. {VEIO}",
    ),
    (
        (SubjectGrades((None, 60, 60, None), outside_terms=frozenset({1})), SubjectGrades((None, 60, None, None), outside_terms=frozenset({1}), exempt_terms=frozenset({3}))),
        {},
        f"There are no grades for the 4th bimester yet. {CAME}",
        f"Ainda não há notas do 4º bimestre. {VEIO}",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("subjects", "year", "english", "portuguese"), FEW_GRADES)
def test_years_that_are_not_made_of_grades_are_explained(
    subjects, year, english, portuguese
):
    with override("en"):
        assert explain(labels.full_explanation, *subjects, **year) == english
    with override("pt-br"):
        assert explain(labels.full_explanation, *subjects, **year) == portuguese


def test_class_with_few_days_is_said_with_its_days():
    year = YearRecord(
        {1: PASSED}, AttendanceDays(185, 5, days_outside=5, class_days=190), None
    )
    decided = decide_outcome(AMAZONAS, year)
    decided = replace(decided, reasons=(Reason(ReasonCode.FEW_DAYS),))

    with override("pt-br"):
        assert labels.full_explanation(AMAZONAS, year, decided, NAMES).endswith(
            " A turma teve 190 dos 200 dias de aula que o ano deve ter (LDB, art. 24, I)."
        )
    with override("en"):
        assert labels.full_explanation(AMAZONAS, year, decided, NAMES).endswith(
            " The class had 190 of the 200 school days that the year must have (LDB, art. 24, I)."
        )


MISSING = [
    ((OPEN, OPEN, OPEN), {}, "There are no grades for the 3rd and the 4th bimester yet.", "Ainda não há notas do 3º e do 4º bimestre."),
    ((EMPTY, EMPTY), {}, "There are no grades yet.", "Ainda não há notas."),
    ((EMPTY, EMPTY), {"is_closed": True}, "All grades are missing.", "Faltam todas as notas."),
    ((EMPTY, EMPTY), {"ending": "abandoned"}, "There are no grades.", "Não há notas."),
    ((OPEN, OPEN), {"is_closed": True}, "The grades for the 3rd and the 4th bimester are missing.", "Faltam as notas do 3º e do 4º bimestre."),
    ((OPEN, OPEN), {"ending": "transferred"}, "There are no grades for the 3rd and the 4th bimester.", "Não há notas do 3º e do 4º bimestre."),
    (
        (OPEN, OPEN),
        {"ended": (1, 2, 3)},
        "The grades for the 3rd bimester are missing. There are no grades for the 4th bimester yet.",
        "Faltam as notas do 3º bimestre. Ainda não há notas do 4º bimestre.",
    ),
    (
        (OPEN, HARD, EASY),
        {"ended": (1, 2, 3)},
        "The grades for the 3rd bimester in Matemática and Arte are missing. "
        "There are no grades for the 4th bimester in Matemática and História yet.",
        "Faltam as notas do 3º bimestre em Matemática e Arte. "
        "Ainda não há notas do 4º bimestre em Matemática e História.",
    ),
    (
        (OPEN, OPEN, EMPTY, EMPTY),
        {},
        "There are no grades for the 1st and the 2nd bimester in Arte and Física yet. "
        "There are no grades for the 3rd and the 4th bimester yet.",
        "Ainda não há notas do 1º e do 2º bimestre em Arte e Física. "
        "Ainda não há notas do 3º e do 4º bimestre.",
    ),
    ((EMPTY, PASSED), {}, "Passed 1 of 2 subjects. There are no grades in Matemática yet.", "Passou em 1 de 2 disciplinas. Ainda não há notas em Matemática."),
    ((EMPTY, EMPTY, PASSED), {"is_closed": True}, "Passed 1 of 3 subjects. The grades in Matemática and História are missing.", "Passou em 1 de 3 disciplinas. Faltam as notas em Matemática e História."),
    ((EMPTY, PASSED), {"ending": "abandoned"}, "Passed 1 of 2 subjects. There are no grades in Matemática.", "Passou em 1 de 2 disciplinas. Não há notas em Matemática."),
    (
        (SubjectGrades((60, None, None, None)),),
        {"rules": {"term_kind": "trimester"}},
        "There are no grades for the 2nd, the 3rd and the 4th trimester yet.",
        "Ainda não há notas do 2º, do 3º e do 4º trimestre.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("subjects", "year", "english", "portuguese"), MISSING)
def test_missing_grades_are_said_once_and_late_only_after_the_term(
    subjects, year, english, portuguese
):
    with override("en"):
        text = explain(labels.full_explanation, *subjects, days=HALF, **year)
        assert text == f"{english} {CAME_HALF}"
    with override("pt-br"):
        text = explain(labels.full_explanation, *subjects, days=HALF, **year)
        assert text == f"{portuguese} {VEIO_HALF}"


def test_year_without_rules_names_the_cause():
    year = YearRecord({1: OPEN}, PRESENT, None)
    decided = decide_outcome(None, year)

    with override("en"):
        assert labels.full_explanation(None, year, decided, NAMES) == (
            "There are no grades for the 3rd and the 4th term yet. "
            "There are no grading rules for this school year and grade level."
        )
    with override("pt-br"):
        assert labels.full_explanation(None, year, decided, NAMES) == (
            "Ainda não há notas do 3º e do 4º período. "
            "Não há regras de avaliação para este ano letivo e esta série."
        )
    assert labels.remedies(None, year, decided, NAMES) == ""


CAN_MISS, PODE_FALTAR = (
    "Can still miss 40 days without losing the year by absences.",
    "Ainda pode faltar a 40 dias sem perder o ano por faltas.",
)
ADVICE, CONSELHO = (
    "Talk to the school: some networks let absences be made up.",
    "Fale com a escola: algumas redes permitem compensar faltas.",
)
REMEDIES = [
    ((PASSED,), {}, "", ""),
    ((PASSED,), {"retained_by_council": True}, "", ""),
    ((FAILED,), {"is_closed": True, "rules": PROGRESSION}, "", ""),
    ((OPEN, FAILED), {"rules": NO_RETENTION, "days": LOW_ATTENDANCE}, "", ""),
    ((OPEN,), {"rules": PROGRESSION}, CAN_MISS, PODE_FALTAR),
    (
        (PASSED, EXTRA, OPEN),
        {},
        f"Arte: needs at least 6.3 in the 3rd and in the 4th bimester to pass. {CAN_MISS}",
        f"Arte: precisa tirar pelo menos 6,3 no 3º e no 4º bimestre para passar. {PODE_FALTAR}",
    ),
    (
        (given("C", "C", "C", "D"), given("C", "C", "C", None)),
        {"rules": GIVEN},
        "Matemática: needs at least C in the recovery exam to pass. "
        f"História: needs at least C in the 4th bimester to pass. {CAN_MISS}",
        "Matemática: precisa tirar pelo menos C na recuperação para passar. "
        f"História: precisa tirar pelo menos C no 4º bimestre para passar. {PODE_FALTAR}",
    ),
    ((FAILED,), {"by_council": True}, "", ""),
    ((FAILED, OPEN), {"ending": "transferred"}, "", ""),
    ((FAILED, OPEN), {"ending": "deceased"}, "", ""),
    (
        (OPEN, SAFE, IN_RECOVERY, OPEN),
        {},
        "Matemática and Física: needs at least 6.3 in the 3rd and in the 4th bimester to pass. "
        f"Arte: needs at least 6.1 in the recovery exam to pass. {CAN_MISS}",
        "Matemática e Física: precisa tirar pelo menos 6,3 no 3º e no 4º bimestre para passar. "
        f"Arte: precisa tirar pelo menos 6,1 na recuperação para passar. {PODE_FALTAR}",
    ),
    (
        (EASY,),
        {},
        f"Matemática: 0.3 in the 3rd bimester is enough to pass. {CAN_MISS}",
        f"Matemática: basta tirar 0,3 no 3º bimestre para passar. {PODE_FALTAR}",
    ),
    (
        (HARD,),
        {},
        f"Matemática: not even 10.0 in the 4th bimester reaches 6.0; can pass by the recovery exam. {CAN_MISS}",
        f"Matemática: nem com 10,0 no 4º bimestre chega a 6,0; pode passar pela recuperação. {PODE_FALTAR}",
    ),
    (
        (HARD,),
        {"rules": {"recovery_rule": "none"}},
        f"Matemática: not even 10.0 in the 4th bimester reaches 6.0; the class council can decide. {CAN_MISS}",
        f"Matemática: nem com 10,0 no 4º bimestre chega a 6,0; quem pode decidir é o conselho de classe. {PODE_FALTAR}",
    ),
    (
        (LOW,),
        {},
        f"Matemática: not even 10.0 in the recovery exam would reach 6.0; the class council can decide. {CAN_MISS}",
        f"Matemática: nem com 10,0 na recuperação chegaria a 6,0; quem pode decidir é o conselho de classe. {PODE_FALTAR}",
    ),
    ((PASSED, IN_RECOVERY), {"is_closed": True}, "", ""),
    (
        (FAILED, IN_RECOVERY),
        {},
        f"História: needs at least 6.1 in the recovery exam to pass. Matemática: the class council can decide. {CAN_MISS}",
        f"História: precisa tirar pelo menos 6,1 na recuperação para passar. Matemática: quem pode decidir é o conselho de classe. {PODE_FALTAR}",
    ),
    (
        (FAILED, LOW, IN_RECOVERY),
        {"rules": {"dependencies": 2}},
        "História: not even 10.0 in the recovery exam would reach 6.0. "
        "Arte: needs at least 6.1 in the recovery exam to pass. "
        f"Can move up owing 2 subjects: Matemática and História (the network allows up to 2). {CAN_MISS}",
        "História: nem com 10,0 na recuperação chegaria a 6,0. "
        "Arte: precisa tirar pelo menos 6,1 na recuperação para passar. "
        f"Pode passar de ano devendo 2 disciplinas: Matemática e História (a rede permite até 2). {PODE_FALTAR}",
    ),
    (
        (FAILED, LOW, IN_RECOVERY),
        {"rules": {"dependencies": 1}},
        "História: not even 10.0 in the recovery exam would reach 6.0. "
        "Arte: needs at least 6.1 in the recovery exam to pass. "
        f"Matemática and História: the class council can decide. {CAN_MISS}",
        "História: nem com 10,0 na recuperação chegaria a 6,0. "
        "Arte: precisa tirar pelo menos 6,1 na recuperação para passar. "
        f"Matemática e História: quem pode decidir é o conselho de classe. {PODE_FALTAR}",
    ),
    (
        (FAILED, LOW, IN_RECOVERY),
        {"by_council": True},
        f"Arte: needs at least 6.1 in the recovery exam to pass. {CAN_MISS}",
        f"Arte: precisa tirar pelo menos 6,1 na recuperação para passar. {PODE_FALTAR}",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(100, 49)},
        "Can still miss 1 day without losing the year by absences.",
        "Ainda pode faltar a 1 dia sem perder o ano por faltas.",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(100, 50)},
        "Cannot miss any more day without losing the year by absences.",
        "Não pode mais faltar a nenhum dia sem perder o ano por faltas.",
    ),
    (
        (IN_RECOVERY,),
        {"days": AttendanceDays(200, 20)},
        "Matemática: needs at least 6.1 in the recovery exam to pass.",
        "Matemática: precisa tirar pelo menos 6,1 na recuperação para passar.",
    ),
    (
        (IN_RECOVERY,),
        {"days": LOW_ATTENDANCE},
        f"Missed 1 day more than allowed. {ADVICE} Matemática: needs at least 6.1 in the recovery exam to pass.",
        f"Faltou 1 dia a mais que o permitido. {CONSELHO} Matemática: precisa tirar pelo menos 6,1 na recuperação para passar.",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(200, 54)},
        f"Missed 4 days more than allowed. {ADVICE}",
        f"Faltou 4 dias a mais que o permitido. {CONSELHO}",
    ),
    ((PASSED,), {"days": AttendanceDays(100, 40), "is_closed": True}, "", ""),
    ((OPEN,), {"is_closed": True}, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("subjects", "year", "english", "portuguese"), REMEDIES)
def test_remedies_say_what_to_do_next(subjects, year, english, portuguese):
    arguments = {"days": HALF} | year
    with override("en"):
        assert explain(labels.remedies, *subjects, **arguments) == english
    with override("pt-br"):
        assert explain(labels.remedies, *subjects, **arguments) == portuguese


def list_prose(data):
    rules = data.draw(strategies.rules())
    year = data.draw(strategies.years(rules))
    decided = decide_outcome(rules, year)
    ended = set(range(1, data.draw(st.integers(1, rules.terms))))
    for language in ("en", "pt-br"):
        with override(language):
            yield labels.full_explanation(rules, year, decided, NAMES, ended)
            yield labels.remedies(rules, year, decided, NAMES)


@given_data(st.data())
def test_prose_has_whole_sentences_and_no_signs(data):
    for text in list_prose(data):
        assert not re.search(r"[<>≥≤≈;]\s*$|[<>≥≤≈/=…_{}]|None", text), text
        sentences = re.split(r"(?<=\.) (?=\D)", text) if text else []
        assert all(s[0].isupper() or s[0].isdigit() for s in sentences), text
        assert text == "" or text.endswith("."), text
        numbers = re.findall(r"\d+[.,](\d+)", text)
        assert all(len(decimals) <= 2 for decimals in numbers), text
        assert all(one != other for one, other in pairwise(sentences)), text


@given_data(st.data())
def test_prose_never_lifts_a_grade_to_its_mark(data):
    rules = data.draw(strategies.rules())
    year = data.draw(strategies.years(rules))
    with override("en"):
        text = labels.full_explanation(rules, year, decide_outcome(rules, year), NAMES)
    pattern = r"got ([\d.]+\d) and needed ([\d.]+\d)|was ([\d.]+\d) and the minimum is ([\d.]+\d)"
    for match in re.finditer(pattern, text):
        grade, mark = map(Decimal, filter(None, match.groups()))
        assert grade < mark, text
