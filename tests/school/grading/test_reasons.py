import pytest
from django.utils.translation import override

from school.grading import labels
from school.grading.attendance import AttendanceDays
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.outcome import YearRecord, decide_outcome
from school.grading.subjects import SubjectGrades

AMAZONAS = DEFAULT_PROFILES[0].rules
NAMES = {1: "Matemática", 2: "História", 3: "Arte"}
PASSED, FAILED = SubjectGrades((60,) * 4), SubjectGrades((55,) * 4, 64)
LOW, IN_RECOVERY = SubjectGrades((19,) * 4), SubjectGrades((59,) * 4)
OPEN, SAFE = SubjectGrades((60, 55, None, None)), SubjectGrades((100, 80, 60, None))
HARD = SubjectGrades((40, 40, 40, None))
PRESENT, LOW_ATTENDANCE = (
    AttendanceDays(lesson_days=200, absences=20),
    AttendanceDays(lesson_days=200, absences=51),
)


def explain(explanation, *subjects, days=PRESENT, ending=None, dependencies=0, **year):
    rules = AMAZONAS.model_copy(update={"dependencies": dependencies})
    year = YearRecord(dict(enumerate(subjects, 1)), days, ending, **year)
    return explanation(rules, year, decide_outcome(rules, year), NAMES)


REASONS = [
    ((PASSED,), {}, "", ""),
    (
        (FAILED, LOW, OPEN),
        {"days": LOW_ATTENDANCE},
        "failed in Matemática (5.95 < 6.0); in recovery in História (1.9 < 6.0); "
        "grades missing in Arte (bimester 3, 4); "
        "attendance 149/200 = 74.5 % < 75 % (days given)",
        "sem aprovação em Matemática (5,95 < 6,0); em recuperação em História "
        "(1,9 < 6,0); faltam notas em Arte (bimestre 3, 4); "
        "frequência 149/200 = 74,5 % < 75 % (dos dias letivos dados)",
    ),
    (
        (FAILED, PASSED, FAILED),
        {"by_council": True},
        "failed in Matemática (5.95 < 6.0), Arte (5.95 < 6.0); "
        "approved by the class council",
        "sem aprovação em Matemática (5,95 < 6,0), Arte (5,95 < 6,0); "
        "aprovado pelo conselho de classe",
    ),
    (
        (FAILED,),
        {"dependencies": 2},
        "failed in Matemática (5.95 < 6.0); "
        "with dependency (failed subjects: 1; allowed: 2)",
        "sem aprovação em Matemática (5,95 < 6,0); "
        "com dependência (disciplinas sem aprovação: 1; permitidas: 2)",
    ),
    (
        (),
        {"days": AttendanceDays()},
        "no lesson day recorded yet; the class offers no subject",
        "nenhum dia letivo registrado ainda; a turma não oferece nenhuma disciplina",
    ),
]


@pytest.mark.parametrize(("subjects", "year", "english", "portuguese"), REASONS)
def test_outcome_explanation_lists_all_reasons(subjects, year, english, portuguese):
    with override("en"):
        assert explain(labels.explain_outcome, *subjects, **year) == english
    with override("pt-br"):
        assert explain(labels.explain_outcome, *subjects, **year) == portuguese


def test_outcome_explanation_without_rules_names_the_cause():
    year = YearRecord({1: OPEN}, PRESENT, None)
    decided = decide_outcome(None, year)

    with override("en"):
        assert labels.explain_outcome(None, year, decided, NAMES) == (
            "grades missing in Matemática (term 3, 4); "
            "no rules are set for this year and level"
        )
    assert labels.remedies(None, year, decided, NAMES) == ""


REMEDIES = [
    ((PASSED,), {}, "", ""),
    ((FAILED,), {"by_council": True}, "", ""),
    ((FAILED,), {"ending": "transferred"}, "", ""),
    ((OPEN,), {"has_left": True}, "", ""),
    ((OPEN,), {"is_closed": True}, "", ""),
    (
        (OPEN, SAFE, IN_RECOVERY),
        {},
        "Matemática: needs at least 6.3 in each bimester that is missing (3, 4); "
        "Arte: needs at least 6.1 in the recovery exam; further absences allowed: 30",
        "Matemática: precisa de pelo menos 6,3 em cada bimestre que falta (3, 4); "
        "Arte: precisa de pelo menos 6,1 na recuperação final; "
        "faltas que ainda cabem: 30",
    ),
    (
        (HARD,),
        {},
        "Matemática: only by the recovery exam; further absences allowed: 30",
        "Matemática: só pela recuperação final; faltas que ainda cabem: 30",
    ),
    (
        (PASSED, IN_RECOVERY),
        {"is_closed": True},
        "",
        "",
    ),
    (
        (FAILED, IN_RECOVERY),
        {},
        "História: needs at least 6.1 in the recovery exam; "
        "only by the class council: Matemática; further absences allowed: 30",
        "História: precisa de pelo menos 6,1 na recuperação final; "
        "só pelo conselho de classe: Matemática; faltas que ainda cabem: 30",
    ),
    (
        (FAILED, LOW, IN_RECOVERY),
        {"dependencies": 2},
        "Arte: needs at least 6.1 in the recovery exam; "
        "as dependency: Matemática, História; further absences allowed: 30",
        "Arte: precisa de pelo menos 6,1 na recuperação final; "
        "em dependência: Matemática, História; faltas que ainda cabem: 30",
    ),
    (
        (FAILED, IN_RECOVERY),
        {"by_council": True},
        "História: needs at least 6.1 in the recovery exam; "
        "further absences allowed: 30",
        "História: precisa de pelo menos 6,1 na recuperação final; "
        "faltas que ainda cabem: 30",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(lesson_days=100, absences=40)},
        "further absences allowed: 10",
        "faltas que ainda cabem: 10",
    ),
    (
        (IN_RECOVERY,),
        {"days": LOW_ATTENDANCE},
        "the year can no longer be passed: absences above the limit: 1",
        "nada mais salva o ano: faltas acima do limite: 1",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(lesson_days=100, absences=40), "is_closed": True},
        "",
        "",
    ),
    (
        (OPEN,),
        {"days": AttendanceDays(lesson_days=100, absences=40)},
        "Matemática: needs at least 6.3 in each bimester that is missing (3, 4); "
        "further absences allowed: 10",
        "Matemática: precisa de pelo menos 6,3 em cada bimestre que falta (3, 4); "
        "faltas que ainda cabem: 10",
    ),
]


@pytest.mark.parametrize(("subjects", "year", "english", "portuguese"), REMEDIES)
def test_remedies_list_what_still_saves_the_year(subjects, year, english, portuguese):
    with override("en"):
        assert explain(labels.remedies, *subjects, **year) == english
    with override("pt-br"):
        assert explain(labels.remedies, *subjects, **year) == portuguese


FULL_EXPLANATIONS = [
    (
        (PASSED,),
        {},
        "passed in the only subject; attendance 180/200 = 90.0 % ≥ 75 % (days given)",
        "aprovado na única disciplina; "
        "frequência 180/200 = 90,0 % ≥ 75 % (dos dias letivos dados)",
    ),
    (
        (PASSED, FAILED, PASSED),
        {"days": LOW_ATTENDANCE},
        "passed in 2 subjects; failed in História (5.95 < 6.0); "
        "attendance 149/200 = 74.5 % < 75 % (days given)",
        "aprovado em 2 disciplinas; sem aprovação em História (5,95 < 6,0); "
        "frequência 149/200 = 74,5 % < 75 % (dos dias letivos dados)",
    ),
    (
        (PASSED, PASSED),
        {"ending": "transferred"},
        "passed in all 2 subjects; attendance 180/200 = 90.0 % ≥ 75 % (days given)",
        "aprovado em todas as 2 disciplinas; "
        "frequência 180/200 = 90,0 % ≥ 75 % (dos dias letivos dados)",
    ),
    (
        (PASSED,),
        {"days": AttendanceDays(190, 19, class_days=190), "is_closed": True},
        "passed in the only subject; the class had 190 of the 200 lesson days of the year "
        "(LDB, art. 24 I); attendance 171/190 = 90.0 % ≥ 75 % (days given)",
        "aprovado na única disciplina; a turma teve 190 dos 200 dias letivos do ano "
        "(LDB, art. 24, I); frequência 171/190 = 90,0 % ≥ 75 % (dos dias letivos dados)",
    ),
    (
        (OPEN,),
        {"days": AttendanceDays()},
        "grades missing in Matemática (bimester 3, 4); no lesson day recorded yet",
        "faltam notas em Matemática (bimestre 3, 4); nenhum dia letivo registrado ainda",
    ),
]


@pytest.mark.parametrize(
    ("subjects", "year", "english", "portuguese"), FULL_EXPLANATIONS
)
def test_full_explanation_includes_passed_subjects(subjects, year, english, portuguese):
    with override("en"):
        assert explain(labels.full_explanation, *subjects, **year) == english
    with override("pt-br"):
        assert explain(labels.full_explanation, *subjects, **year) == portuguese
