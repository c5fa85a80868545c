import pytest
from django.utils.translation import override

from school.access import visible_enrolments
from tasks.reporting.student_report import StudentParameters
from tasks.reports.at_risk_students import AtRiskStudents
from tests.support.class_factory import (
    MATHEMATICS,
    PORTUGUESE,
    Classroom,
    day,
    judge,
    student,
)
from tests.support.task_factories import made, rows_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "tests/tasks/reports/figures and tests/api/matrix compare this kind's rows on both"
    ),
]


@pytest.fixture
def room(network):
    """All twenty days of a year that is not closed yet."""
    room = Classroom()
    judge(room.year, recovery_rule="weighted", year_days=20)
    room.hold(*range(20))
    return room


def pupil(room, name, *of_mathematics, exam=None, absences=0, **fields):
    """Passes Portuguese."""
    one = room.enrol(name, **fields)
    room.grade(one, PORTUGUESE, 70, 70, 70, 70)
    room.grade(one, MATHEMATICS, *of_mathematics, exam=exam)
    room.absent(one, *range(absences))
    return one


def risks(viewer, room, **options):
    return made(viewer, {"class_id": room.pk}, kind="at_risk_students", **options)


def test_row_says_what_there_is_to_fear_and_what_helps(secretary, room):
    ana = student("Ana", registration="7")
    pupil(room, ana, 59, 59, 59, 59, absences=2)

    (row,) = rows_of(risks(secretary, room))

    assert row == {
        "school": room.record.school.name,
        "year": "2025",
        "class": "Turma A",
        "grade_level": "1º ano",
        "number": 1,
        "registration": "7",
        "student": "Ana",
        "situation": "in_recovery",
        "attendance": "90.0",
        "absences": 2,
        "absences_left": 3,
        "subjects_below": 1,
        "by_grades": True,
        "by_attendance": False,
        "by_council_list": True,
        "reasons": (
            "aprovado em 1 disciplina; em recuperação em Matemática (5,9 < 6,0); "
            "frequência 18/20 = 90,0 % ≥ 75 % (dos dias letivos dados)"
        ),
        "saving": (
            "Matemática: precisa de pelo menos 6,1 na recuperação final; "
            "faltas que ainda cabem: 3"
        ),
    }


def test_each_is_listed_for_what_is_theirs_and_nobody_else(secretary, room):
    pupil(room, "Ana", 60, 60, 60, 60, absences=5)  # approved, though on the list
    pupil(room, "Bia", 59, 59, 59, 59)
    pupil(room, "Caio", 60, 60, 60, 60, absences=6)
    pupil(room, "Davi", 60, 60, absences=2)
    pupil(room, "Eva", 30, 30, 30, 30, exam=40)
    pupil(room, "Fábio", 50, 50)
    pupil(room, "Gil", 60, 60, absences=1)
    pupil(room, "Hugo")

    rows = rows_of(risks(secretary, room))

    why = ("situation", "by_grades", "by_attendance", "by_council_list")
    assert [(row["student"], *(row[name] for name in why)) for row in rows] == [
        ("Bia", "in_recovery", True, False, False),
        ("Caio", "failed_by_attendance", False, True, True),
        ("Davi", "in_progress", False, False, True),
        ("Eva", "failed", True, False, False),
        ("Fábio", "in_progress", True, False, False),
    ]


SAVING = {
    "exam": ((59, 59, 59, 59), {}, "Matemática: precisa de pelo menos 6,1 na recuperação final; faltas que ainda cabem: 5", "Matemática: needs at least 6.1 in the recovery exam; further absences allowed: 5"),
    "terms": ((50, 50), {}, "Matemática: precisa de pelo menos 7,0 em cada bimestre que falta (3, 4); faltas que ainda cabem: 5", "Matemática: needs at least 7.0 in each bimester that is missing (3, 4); further absences allowed: 5"),
    "exam alone": ((10, 10, 10), {}, "Matemática: só pela recuperação final; faltas que ainda cabem: 5", "Matemática: only by the recovery exam; further absences allowed: 5"),
    "council alone": ((19, 19, 19, 19), {}, "só pelo conselho de classe: Matemática; faltas que ainda cabem: 5", "only by the class council: Matemática; further absences allowed: 5"),
    "after the exam": ((30, 30, 30, 30), {"exam": 40}, "só pelo conselho de classe: Matemática; faltas que ainda cabem: 5", "only by the class council: Matemática; further absences allowed: 5"),
    "nothing": ((60, 60, 60, 60), {"absences": 7}, "nada mais salva o ano: faltas acima do limite: 2", "nothing can save the year: absences above the limit: 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", SAVING)
def test_what_would_save_the_year_is_said_in_both_languages(secretary, room, case):
    grades, more, portuguese, english = SAVING[case]
    pupil(room, "Ana", *grades, **more)

    said = [
        rows_of(risks(secretary, room, language=language))[0]["saving"]
        for language in ("pt-BR", "en")
    ]

    assert said == [portuguese, english]


def test_subject_that_is_lost_may_go_on_as_dependency(secretary, network):
    room = Classroom()
    judge(room.year, year_days=20, dependencies=1)
    room.hold(*range(20))
    one = room.enrol("Ana")
    room.grade(one, PORTUGUESE, 60, 60)
    room.grade(one, MATHEMATICS, 30, 30, 30, 30)

    (row,) = rows_of(risks(secretary, room))

    assert row["reasons"] == (
        "faltam notas em Língua Portuguesa (bimestre 3, 4); "
        "sem aprovação em Matemática (3,0 < 6,0); "
        "frequência 20/20 = 100,0 % ≥ 75 % (dos dias letivos dados)"
    )
    assert row["saving"] == (
        "Língua Portuguesa: precisa de pelo menos 6,0 em cada bimestre que falta (3, 4); "
        "em dependência: Matemática; faltas que ainda cabem: 5"
    )


def test_attendance_can_still_rise_while_absences_are_left(secretary, network):
    room = Classroom()
    judge(room.year, year_days=20)
    room.hold(*range(10))
    pupil(room, "Ana", 70, 70, absences=3)

    (row,) = rows_of(risks(secretary, room, language="en"))

    assert (row["attendance"], row["by_attendance"], row["absences_left"]) == ("70.0", True, 2)  # fmt: skip
    assert row["reasons"] == (
        "passed in 1 subject; grades missing in Matemática (bimester 3, 4); "
        "attendance 7/10 = 70.0 % < 75 % (days given)"
    )
    assert row["saving"].endswith("further absences allowed: 2")


def test_exam_of_any_grade_is_still_to_be_sat(secretary, network):
    room = Classroom()
    lower = {"recovery_rule": "replace_if_higher", "recovery_pass_mark": "5.0"}
    judge(room.year, year_days=20, **lower)
    room.hold(*range(20))
    pupil(room, "Ana", 55, 55, 55, 55)

    (row,) = rows_of(risks(secretary, room, language="en"))

    assert row["saving"] == (
        "Matemática: needs at least 0.0 in the recovery exam; "
        "further absences allowed: 5"
    )


def test_several_subjects_are_counted(secretary, room):
    one = room.enrol("Ana")
    for subject in (PORTUGUESE, MATHEMATICS):
        room.grade(one, subject, 59, 59)

    assert rows_of(risks(secretary, room))[0]["subjects_below"] == 2


def test_who_left_or_has_no_rules_is_left_out_and_said(secretary, network):
    room = Classroom()
    judge(room.year, level=1, year_days=20)
    room.hold(*range(20))
    pupil(room, "Ana", 10, 10)
    room.enrol("Bia", exit_date=day(10), ending="abandoned")
    room.enrol("Caio", exit_date=day(10))
    pupil(room, "Davi", 10, 10, grade_level_id=2)

    task = risks(secretary, room)

    assert [row["student"] for row in rows_of(task)] == ["Ana"]
    skipped = {
        reason["code"]: (reason["count"], reason["detail"])
        for reason in task.result["skipped"]["reasons"]
    }
    assert skipped == {
        "left": (2, "Alunos que saíram."),
        "no_rules": (
            1,
            "Alunos para cujo ano letivo e série ninguém definiu as regras de avaliação.",
        ),
    }


def test_summary_says_how_many_of_how_many(secretary, room):
    def summaries():
        return [
            risks(secretary, room, language=language).result["summary"]
            for language in ("pt-BR", "en")
        ]

    pupil(room, "Ana", 60, 60, 60, 60)
    assert summaries() == [
        "0 de 1 aluno está em risco.",
        "0 of 1 student is at risk.",
    ]
    pupil(room, "Bia", 59, 59, 59, 59)
    assert summaries() == [
        "1 de 2 alunos estão em risco.",
        "1 of 2 students are at risk.",
    ]


def test_who_cannot_be_judged_is_not_said_to_be_out_of_risk(secretary, network):
    room = Classroom()
    judge(room.year, level=1)
    room.enrol("Ana", exit_date=day(10), ending="abandoned")
    room.grade(room.enrol("Bia", grade_level_id=2), PORTUGUESE, 10, 10)

    assert risks(secretary, room).result["summary"] == (
        "Ninguém pode ser julgado: todos saíram ou estão sem regras de avaliação."
    )

    pupil(room, "Caio", 60, 60, 60, 60)

    assert risks(secretary, room).result["summary"] == "0 de 1 aluno está em risco."


def test_class_without_anybody_is_empty_and_says_why(secretary, room):
    task = risks(secretary, room)

    assert (task.result["rows"], task.result["summary"]) == (
        0,
        "Não há nenhum aluno matriculado no que foi pedido.",
    )


def test_booleans_are_booleans_in_json_and_words_in_csv(secretary, room):
    pupil(room, "Ana", 59, 59, 59, 59)

    (in_json,) = rows_of(risks(secretary, room))
    (in_csv,) = rows_of(risks(secretary, room, format="csv"))

    names = ["by_grades", "by_attendance", "by_council_list"]
    assert [in_json[name] for name in names] == [True, False, False]
    assert [in_csv[name] for name in names] == ["true", "false", "false"]
    assert list(in_json) == list(in_csv)


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("pt-br", ["Situação", "Faltas restantes", "Disciplinas abaixo da nota mínima", "Por notas", "Por frequência", "O que salvaria o ano"]),
        ("en", ["Situation", "Absences left", "Subjects below the pass mark", "By grades", "By attendance", "What would save the year"]),
    ],
)  # fmt: skip
def test_titles_are_in_the_language_and_names_are_not(secretary, language, titles):
    report = AtRiskStudents(
        StudentParameters(class_id=1), visible_enrolments(secretary)
    )
    with override(language):
        shown = {column.name: str(column.title) for column in report.columns()}

    names = ["situation", "absences_left", "subjects_below", "by_grades", "by_attendance", "saving"]  # fmt: skip
    assert [shown[name] for name in names] == titles
