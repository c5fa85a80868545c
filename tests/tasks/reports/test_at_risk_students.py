import pytest
from django.utils.translation import override

from school.access import visible_enrolments
from tasks.reporting.student_report import StudentParameters
from tasks.reports.at_risk_students import AtRiskStudents
from tests.support.school_factory import (
    MATHEMATICS,
    PORTUGUESE,
    SampleClass,
    create_student,
    school_day,
    set_rules,
)
from tests.support.task_factories import read_rows, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "tests/tasks/reports/figures and tests/api/access_matrix test this kind on both"
    ),
]


@pytest.fixture
def sample_class(network):
    """Class with all twenty lesson days of a year that is still open."""
    sample_class = SampleClass()
    set_rules(sample_class.year, recovery_rule="weighted", year_days=20)
    sample_class.add_sessions(*range(20))
    return sample_class


def add_student(
    sample_class, name, *mathematics_grades, exam=None, absences=0, **fields
):
    """Enrol a student who passes Portuguese and has these mathematics grades."""
    enrolment = sample_class.enrol(name, **fields)
    sample_class.add_grades(enrolment, PORTUGUESE, 70, 70, 70, 70)
    sample_class.add_grades(enrolment, MATHEMATICS, *mathematics_grades, exam=exam)
    sample_class.add_absences(enrolment, *range(absences))
    return enrolment


def run_report(viewer, sample_class, **options):
    return run_task(
        viewer, {"class_id": sample_class.pk}, kind="at_risk_students", **options
    )


def test_row_states_risks_and_remedies(secretary, sample_class):
    ana = create_student("Ana", registration="7")
    add_student(sample_class, ana, 59, 59, 59, 59, absences=2)

    (row,) = read_rows(run_report(secretary, sample_class))

    assert row == {
        "school": sample_class.school_class.school.name,
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
            "Passou em 1 de 2 disciplinas. "
            "Vai fazer a recuperação de Matemática: a média do ano foi 5,9 e o mínimo é 6,0. "
            "Veio a 18 dos 20 dias de aula (90 %; o mínimo é 75 %)."
        ),
        "saving": (
            "Matemática: precisa tirar pelo menos 6,1 na recuperação para passar."
        ),
        "reason_codes": "subject_in_recovery",
        "student_id": ana.pk,
        "class_id": sample_class.pk,
        "school_id": sample_class.school_class.school_id,
    }


def test_students_are_listed_with_their_own_risks(secretary, sample_class):
    add_student(
        sample_class, "Ana", 60, 60, 60, 60, absences=5
    )  # approved, although on the council list
    add_student(sample_class, "Bia", 59, 59, 59, 59)
    add_student(sample_class, "Caio", 60, 60, 60, 60, absences=6)
    add_student(sample_class, "Davi", 60, 60, absences=2)
    add_student(sample_class, "Eva", 30, 30, 30, 30, exam=40)
    add_student(sample_class, "Fábio", 50, 50)
    add_student(sample_class, "Gil", 60, 60, absences=1)
    add_student(sample_class, "Hugo")

    rows = read_rows(run_report(secretary, sample_class))

    columns = ("situation", "by_grades", "by_attendance", "by_council_list")
    assert [(row["student"], *(row[name] for name in columns)) for row in rows] == [
        ("Bia", "in_recovery", True, False, False),
        ("Caio", "failed_by_attendance", False, True, True),
        ("Davi", "in_progress", False, False, True),
        ("Eva", "failed", True, False, False),
        ("Fábio", "in_progress", True, False, False),
    ]


REMEDIES = {
    "exam": ((59, 59, 59, 59), {}, "Matemática: precisa tirar pelo menos 6,1 na recuperação para passar.", "Matemática: needs at least 6.1 in the recovery exam to pass."),
    "terms": ((50, 50), {}, "Matemática: precisa tirar pelo menos 7,0 no 3º e no 4º bimestre para passar.", "Matemática: needs at least 7.0 in the 3rd and in the 4th bimester to pass."),
    "exam alone": ((10, 10, 10), {}, "Matemática: nem com 10,0 no 4º bimestre chega a 6,0; pode passar pela recuperação.", "Matemática: not even 10.0 in the 4th bimester reaches 6.0; can pass by the recovery exam."),
    "council alone": ((19, 19, 19, 19), {}, "Matemática: nem com 10,0 na recuperação chegaria a 6,0; quem pode decidir é o conselho de classe.", "Matemática: not even 10.0 in the recovery exam would reach 6.0; the class council can decide."),
    "after the exam": ((30, 30, 30, 30), {"exam": 40}, "Matemática: quem pode decidir é o conselho de classe.", "Matemática: the class council can decide."),
    "nothing": ((60, 60, 60, 60), {"absences": 7}, "Faltou 2 dias a mais que o permitido. Fale com a escola: algumas redes permitem compensar faltas.", "Missed 2 days more than allowed. Talk to the school: some networks let absences be made up."),
}  # fmt: skip


@pytest.mark.parametrize("case", REMEDIES)
def test_saving_text_is_in_task_language(secretary, sample_class, case):
    grades, fields, portuguese, english = REMEDIES[case]
    add_student(sample_class, "Ana", *grades, **fields)

    texts = [
        read_rows(run_report(secretary, sample_class, language=language))[0]["saving"]
        for language in ("pt-BR", "en")
    ]

    assert texts == [portuguese, english]


def test_lost_subject_may_continue_as_dependency(secretary, network):
    sample_class = SampleClass()
    set_rules(sample_class.year, year_days=20, dependencies=1)
    sample_class.add_sessions(*range(20))
    enrolment = sample_class.enrol("Ana")
    sample_class.add_grades(enrolment, PORTUGUESE, 60, 60)
    sample_class.add_grades(enrolment, MATHEMATICS, 30, 30, 30, 30)

    (row,) = read_rows(run_report(secretary, sample_class))

    assert row["reasons"] == (
        "Não passou em Matemática: ficou com 3,0 e precisava de 6,0. "
        "Faltam as notas do 3º bimestre em Língua Portuguesa. "
        "Ainda não há notas do 4º bimestre em Língua Portuguesa. "
        "Veio a 20 dos 20 dias de aula (100 %; o mínimo é 75 %)."
    )
    assert row["saving"] == (
        "Língua Portuguesa: basta tirar 6,0 no 3º e no 4º bimestre para passar. "
        "Pode passar de ano devendo 1 disciplina: Matemática (a rede permite até 1)."
    )


def test_low_attendance_with_absences_left_can_rise(secretary, network):
    sample_class = SampleClass()
    set_rules(sample_class.year, year_days=20)
    sample_class.add_sessions(*range(10))
    add_student(sample_class, "Ana", 70, 70, absences=3)

    (row,) = read_rows(run_report(secretary, sample_class, language="en"))

    assert (row["attendance"], row["by_attendance"], row["absences_left"]) == ("70.0", True, 2)  # fmt: skip
    assert row["reasons"] == (
        "Passed 1 of 2 subjects. "
        "There are no grades for the 3rd and the 4th bimester in Matemática yet. "
        "Came on 7 of the 10 school days (70%; the minimum is 75%)."
    )
    assert row["saving"].endswith(
        "Can still miss 2 days without losing the year by absences."
    )


def test_exam_needing_grade_zero_is_still_required(secretary, network):
    sample_class = SampleClass()
    recovery_rules = {"recovery_rule": "replace_if_higher", "recovery_pass_mark": "5.0"}
    set_rules(sample_class.year, year_days=20, **recovery_rules)
    sample_class.add_sessions(*range(20))
    add_student(sample_class, "Ana", 55, 55, 55, 55)

    (row,) = read_rows(run_report(secretary, sample_class, language="en"))

    assert row["saving"] == (
        "Matemática: passes with any grade in the recovery exam, but must take it."
    )


def test_subjects_below_counts_all_subjects(secretary, sample_class):
    enrolment = sample_class.enrol("Ana")
    for subject in (PORTUGUESE, MATHEMATICS):
        sample_class.add_grades(enrolment, subject, 59, 59)

    assert read_rows(run_report(secretary, sample_class))[0]["subjects_below"] == 2


def test_students_who_left_or_have_no_rules_are_skipped(secretary, network):
    sample_class = SampleClass()
    set_rules(sample_class.year, level=1, year_days=20)
    sample_class.add_sessions(*range(20))
    add_student(sample_class, "Ana", 10, 10)
    sample_class.enrol("Bia", exit_date=school_day(10), ending="abandoned")
    sample_class.enrol("Caio", exit_date=school_day(10))
    add_student(sample_class, "Davi", 10, 10, grade_level_id=2)

    task = run_report(secretary, sample_class)

    assert [row["student"] for row in read_rows(task)] == ["Ana"]
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


def test_summary_counts_students_at_risk(secretary, sample_class):
    def summaries():
        return [
            run_report(secretary, sample_class, language=language).result["summary"]
            for language in ("pt-BR", "en")
        ]

    add_student(sample_class, "Ana", 60, 60, 60, 60)
    assert summaries() == [
        "0 de 1 aluno está em risco.",
        "0 of 1 student is at risk.",
    ]
    add_student(sample_class, "Bia", 59, 59, 59, 59)
    assert summaries() == [
        "1 de 2 alunos estão em risco.",
        "1 of 2 students are at risk.",
    ]


def test_summary_without_judged_students_says_so(secretary, network):
    sample_class = SampleClass()
    set_rules(sample_class.year, level=1)
    sample_class.enrol("Ana", exit_date=school_day(10), ending="abandoned")
    sample_class.add_grades(
        sample_class.enrol("Bia", grade_level_id=2), PORTUGUESE, 10, 10
    )

    assert run_report(secretary, sample_class).result["summary"] == (
        "Ninguém pode ser julgado: todos saíram ou estão sem regras de avaliação."
    )

    add_student(sample_class, "Caio", 60, 60, 60, 60)

    assert (
        run_report(secretary, sample_class).result["summary"]
        == "0 de 1 aluno está em risco."
    )


def test_empty_class_has_no_rows_and_a_reason(secretary, sample_class):
    task = run_report(secretary, sample_class)

    assert (task.result["rows"], task.result["summary"]) == (
        0,
        "Não há nenhum aluno matriculado no que foi pedido.",
    )


def test_booleans_are_typed_in_json_and_text_in_csv(secretary, sample_class):
    add_student(sample_class, "Ana", 59, 59, 59, 59)

    (in_json,) = read_rows(run_report(secretary, sample_class))
    (in_csv,) = read_rows(run_report(secretary, sample_class, format="csv"))

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
def test_only_column_titles_are_translated(secretary, language, titles):
    report = AtRiskStudents(
        StudentParameters(class_id=1), visible_enrolments(secretary)
    )
    with override(language):
        titles_by_name = {column.name: str(column.title) for column in report.columns()}

    names = ["situation", "absences_left", "subjects_below", "by_grades", "by_attendance", "saving"]  # fmt: skip
    assert [titles_by_name[name] for name in names] == titles
