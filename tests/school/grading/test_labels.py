import pytest
from django.utils.translation import override

from school.grading import attendance, labels
from school.grading.attendance import AttendanceDays
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.outcome import Situation
from school.grading.subjects import Standing

AMAZONAS = DEFAULT_PROFILES[0].rules
PLANNED = AMAZONAS.model_copy(update={"attendance_base": "planned"})
FRACTIONAL_MINIMUM = AMAZONAS.model_copy(update={"minimum_attendance": "74.5"})
DAYS = [
    (
        AMAZONAS,
        AttendanceDays(200, 51),
        "attendance 149/200 = 74.5 % < 75 % (days given)",
        "frequência 149/200 = 74,5 % < 75 % (dos dias letivos dados)",
    ),
    (
        AMAZONAS,
        AttendanceDays(200, 50),
        "attendance 150/200 = 75.0 % ≥ 75 % (days given)",
        "frequência 150/200 = 75,0 % ≥ 75 % (dos dias letivos dados)",
    ),
    (
        PLANNED,
        AttendanceDays(100, 30),
        "attendance 170/200 = 85.0 % ≥ 75 % (days planned)",
        "frequência 170/200 = 85,0 % ≥ 75 % (dos dias letivos previstos)",
    ),
    (
        FRACTIONAL_MINIMUM,
        AttendanceDays(201, 52),
        "attendance 149/201 = 74.1293… % < 74.5 % (days given)",
        "frequência 149/201 = 74,1293… % < 74,5 % (dos dias letivos dados)",
    ),
    (AMAZONAS, AttendanceDays(), "no lesson day recorded yet", "nenhum dia letivo registrado ainda"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "days", "english", "portuguese"), DAYS)
def test_attendance_is_explained_with_its_base(rules, days, english, portuguese):
    result = attendance.evaluate_attendance(rules, days)

    with override("en"):
        assert labels.explain_attendance(rules, days, result) == english
    with override("pt-br"):
        assert labels.explain_attendance(rules, days, result) == portuguese


def test_situations_and_standings_have_labels_in_both_languages():
    for language in ("en", "pt-br"):
        with override(language):
            situations = [labels.situation_label(s) for s in [None, *Situation]]
            standings = [labels.standing_label(s) for s in Standing]
        assert len({*situations}) == len(Situation) + 1
        assert len({*standings}) == len(Standing)
        assert all([*situations, *standings])


def test_situation_labels_are_the_official_terms():
    with override("pt-br"):
        assert {str(s): labels.situation_label(s) for s in Situation} == {
            "in_progress": "Cursando",
            "incomplete": "Incompleto: faltam notas",
            "in_recovery": "Em recuperação",
            "approved": "Aprovado",
            "approved_after_recovery": "Aprovado após recuperação",
            "approved_by_council": "Aprovado pelo conselho de classe",
            "approved_with_dependency": "Aprovado com dependência",
            "promoted": "Promovido",
            "failed": "Reprovado",
            "failed_by_attendance": "Reprovado por frequência",
            "failed_by_council": "Retido pelo conselho de classe",
            "transferred": "Transferido",
            "abandoned": "Abandono",
            "reclassified": "Reclassificado",
            "deceased": "Falecido",
            "class_changed": "Remanejado",
            "left": "Saiu, motivo não registrado",
        }
