import csv
from datetime import date

import pytest
from django.utils.translation import override

from school.access import full_history, visible_enrolments
from school.models import School, SchoolYear
from tasks import artifacts
from tasks.errors import InvalidRequest
from tasks.reports.transcript import Parameters, Transcript
from tests.support.school_factory import (
    MATHEMATICS,
    PORTUGUESE,
    ClassFactory,
    SampleClass,
    create_prior_year,
    create_student,
    demo_network,
    school_day,
    set_rules,
)
from tests.support.task_factories import queue_task, read_rows, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "tests/tasks/reports/figures and tests/api/access_matrix test this kind on both"
    ),
]

IDENTITY_FIELDS = {
    "registration": "7",
    "inep_code": "100000000007",
    "birth_date": "2015-05-05",
    "birth_place": "Tefé, AM",
    "nationality": "brasileira",
    "parents": "Maria Ávila, José Ávila",
    "identity_document": "123-4 SSP/AM",
    "birth_certificate": "termo 7, livro A-1, folha 7",
}


@pytest.fixture
def sample_class(network):
    sample_class = SampleClass()
    set_rules(sample_class.year, recovery_rule="weighted", year_days=20)
    sample_class.add_sessions(*range(20))
    return sample_class


@pytest.fixture
def ana(sample_class):
    ana = sample_class.enrol(
        create_student("André Ávila", social_name="Ana Ávila", **IDENTITY_FIELDS)
    )
    sample_class.add_grades(ana, PORTUGUESE, 60, 50, 60, 50, exam=65)
    sample_class.add_grades(ana, MATHEMATICS, 70, 71)
    sample_class.add_absences(ana, 0, 1)
    return ana


def run_report(viewer, enrolment, **options):
    parameters = {"student_id": enrolment.student_id, "year": 2025}
    return run_task(viewer, parameters, kind="transcript", **options)


def test_row_has_identity_fields_and_results(secretary, sample_class, ana):
    school = School.objects.get(pk=1)

    first, second = read_rows(run_report(secretary, ana))

    assert first == {
        "student": "André Ávila",
        "social_name": "Ana Ávila",
        **IDENTITY_FIELDS,
        "year": "2025",
        "grade_level": "1º ano",
        "school": school.name,
        "city": school.city,
        "state": "AM",
        "authorisation": school.authorisation,
        "subject": "Língua Portuguesa",
        "grade": "6.00",
        "term_1": "6.0",
        "term_2": "5.0",
        "term_3": "6.0",
        "term_4": "5.0",
        "hours": 160,
        "days": 20,
        "attendance": "90.0",
        "situation": "in_progress",
        "result": "Cursando",
        "explanation": "(6,0 + 5,0 + 6,0 + 5,0) / 4 = 5,5 < 6,0. (5,5 + 6,5) / 2 = 6,0 ≥ 6,0.",
        "partial": True,
        "student_id": ana.student_id,
        "school_id": 1,
    }
    assert (second["grade"], second["term_2"], second["term_3"]) == (None, "7.1", None)
    assert second["explanation"] == (
        "(7,0 + 7,1) / 2 = 7,05 até agora. "
        "Basta tirar 5,0 no 3º e no 4º bimestre para passar."
    )


def test_only_texts_are_translated(secretary, ana):
    first, second = read_rows(run_report(secretary, ana, language="en"))

    assert (first["situation"], first["result"]) == ("in_progress", "In progress")
    assert (first["grade"], first["attendance"]) == ("6.00", "90.0")
    assert second["explanation"] == (
        "(7.0 + 7.1) / 2 = 7.05 so far. "
        "5.0 in the 3rd and in the 4th bimester is enough to pass."
    )


def test_prior_years_come_first_as_recorded(secretary, ana):
    grades = [("Português", "8,5", 160), ("Artes", "", None)]
    fields = {"city": "Manacapuru", "state": "AM", "days": 200, "attendance": "92%"}
    create_prior_year(ana.student, 2024, grades, **fields)
    create_prior_year(ana.student, 2023, result="Promovido")

    rows = read_rows(run_report(secretary, ana))

    names = ("year", "school", "city", "subject", "grade", "hours", "days", "attendance", "situation", "result", "explanation")  # fmt: skip
    school_name = "Escola Rio Negro"
    assert [tuple(row[name] for name in names) for row in rows[:3]] == [
        ("2023", school_name, None, None, None, None, None, None, None, "Promovido", None),
        ("2024", school_name, "Manacapuru", "Português", "8,5", 160, 200, "92%", None, "Aprovado", None),
        ("2024", school_name, "Manacapuru", "Artes", None, None, 200, "92%", None, "Aprovado", None),
    ]  # fmt: skip
    assert [row["year"] for row in rows[3:]] == ["2025", "2025"]
    assert {row["registration"] for row in rows} == {"7"}


def test_requested_year_selects_students_with_all_years(secretary, ana):
    create_prior_year(ana.student, 2020)
    later = {"school_class_id": 1, "grade_level_id": 1, "diary_number": 99}
    ana.student.enrolments.create(entry_date="2026-02-09", **later)

    years = [row["year"] for row in read_rows(run_report(secretary, ana))]

    assert sorted(set(years)) == ["2020", "2025", "2026"]
    assert years == sorted(years)


def test_student_parameter_alone_is_accepted(secretary, ana):
    alone = run_task(secretary, {"student_id": ana.student_id}, kind="transcript")

    assert read_rows(alone) == read_rows(run_report(secretary, ana))
    assert "year" not in alone.parameters
    SchoolYear.objects.update(is_closed=True)
    with pytest.raises(InvalidRequest) as refused, override("en"):
        queue_task(secretary, {"school_id": 1}, kind="transcript")
    (error,) = refused.value.field_errors
    assert error.detail == "Give a student, a class or a school year."


def test_new_school_sees_whole_year_of_moved_student(stranger, sample_class, ana):
    ana.exit_date, ana.ending = school_day(10), "transferred"
    ana.save()
    other_class = SampleClass("Turma B", school=2)
    after = other_class.enrol(ana.student, entry_date=school_day(10))
    other_class.add_grades(after, PORTUGUESE, None, None, 90, 90)

    portuguese, mathematics = read_rows(run_report(stranger, after))

    assert (
        portuguese["school"]
        == mathematics["school"]
        == other_class.school_class.school.name
    )
    assert [portuguese[f"term_{n}"] for n in range(1, 5)] == ["6.0", "5.0", "9.0", "9.0"]  # fmt: skip
    assert (portuguese["grade"], portuguese["explanation"]) == (
        "7.25",
        "(6,0 + 5,0 + 9,0 + 9,0) / 4 = 7,25 ≥ 6,0.",
    )


def test_old_school_sees_only_its_part_of_moved_student(
    secretary, stranger, sample_class, ana
):
    ana.exit_date, ana.ending = school_day(10), "transferred"
    ana.save()
    other_class = SampleClass("Turma B", school=2)
    other_class.enrol(ana.student, entry_date=school_day(10))
    create_prior_year(ana.student, 2024)
    create_prior_year(ana.student, 2026)

    rows = read_rows(run_report(secretary, ana))

    assert [(row["year"], row["school"]) for row in rows] == [
        ("2024", "Escola Rio Negro"),
        ("2025", sample_class.school_class.school.name),
        ("2025", sample_class.school_class.school.name),
    ]
    assert rows[1]["result"] == "Transferido"
    assert [rows[1]["term_2"], rows[1]["term_3"]] == ["5.0", None]


def test_earlier_year_without_exit_reveals_no_later_years(secretary, sample_class, ana):
    year = demo_network().create_year(
        2024, [date(2024, 2, 5), date(2024, 12, 20)], terms=1
    )
    ClassFactory(
        School.objects.get(pk=2), year, "Turma B", sample_class.levels, [], []
    ).enrol(ana.student)
    ana.exit_date, ana.ending = school_day(10), "transferred"
    ana.save()
    create_prior_year(ana.student, 2026)

    years = [row["year"] for row in read_rows(run_report(secretary, ana))]

    assert years == ["2024", "2025", "2025"]


def test_closed_year_hides_later_prior_years(secretary, sample_class, ana):
    create_prior_year(ana.student, 2025)
    create_prior_year(ana.student, 2026)
    assert read_rows(run_report(secretary, ana))[-1]["year"] == "2026"

    SchoolYear.objects.filter(pk=sample_class.year.pk).update(is_closed=True)

    years = [row["year"] for row in read_rows(run_report(secretary, ana))]
    assert years == ["2025"] * 3


def test_class_without_subjects_has_one_row(secretary, network):
    sample_class = SampleClass(subjects=())
    set_rules(sample_class.year)
    ana = sample_class.enrol("Ana")

    (row,) = read_rows(run_report(secretary, ana))

    assert (row["subject"], row["grade"], row["explanation"]) == (None, None, None)
    assert (row["year"], row["result"]) == ("2025", "Cursando")


def test_class_without_rules_shows_only_terms(secretary, network):
    sample_class = SampleClass()
    ana = sample_class.enrol("Ana")
    sample_class.add_grades(ana, PORTUGUESE, 60, 61)

    row, _blank = read_rows(run_report(secretary, ana))

    assert (row["grade"], row["term_1"], row["term_2"]) == (None, "6.0", "6.1")
    assert (row["situation"], row["result"]) == (None, "Sem resultado")
    assert row["explanation"] is None


def test_grade_with_scale_is_concept(secretary, network):
    sample_class = SampleClass()
    scale = [("Satisfatório", "5.0", "10.0"), ("Insuficiente", "0.0", "4.9")]
    bands = [{"label": b, "lowest": low, "highest": high} for b, low, high in scale]
    set_rules(sample_class.year, scale=bands[::-1])
    ana = sample_class.enrol("Ana")
    sample_class.add_grades(ana, PORTUGUESE, 60, 60, 60, 60)

    assert read_rows(run_report(secretary, ana))[0]["grade"] == "Satisfatório"


def test_year_includes_period(secretary, sample_class, ana):
    sample_class.year.period = "1"
    sample_class.year.save()

    assert {row["year"] for row in read_rows(run_report(secretary, ana))} == {"2025.1"}


def test_rows_are_sorted_by_student_and_year(secretary, sample_class, ana):
    zoe, bia = sample_class.enrol("Zoé"), sample_class.enrol("Bia")
    create_prior_year(zoe.student, 2020)
    create_prior_year(bia.student, 2020)

    rows = read_rows(
        run_task(secretary, {"class_id": sample_class.pk}, kind="transcript")
    )

    assert [(row["student"], row["year"]) for row in rows] == [
        *[("André Ávila", "2025")] * 2,  # sorted by the social name Ana
        ("Bia", "2020"), *[("Bia", "2025")] * 2,
        ("Zoé", "2020"), *[("Zoé", "2025")] * 2,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("pt-br", ["Nome social", "Naturalidade", "Filiação", "Certidão de nascimento", "UF", "Ato de autorização", "1º bimestre", "Carga horária", "Resultado"]),
        ("en", ["Social name", "Place of birth", "Parents", "Birth certificate", "State", "Act of authorisation", "1st bimester", "Hours of lessons", "Result"]),
    ],
)  # fmt: skip
def test_only_column_titles_are_translated(secretary, language, titles):
    enrolments = visible_enrolments(secretary).filter(school_class=1)
    history = full_history(secretary, enrolments)
    report = Transcript(Parameters(class_id=1), enrolments, history)
    with override(language):
        titles_by_name = {column.name: str(column.title) for column in report.columns()}

    names = ["social_name", "birth_place", "parents", "birth_certificate", "state", "authorisation", "term_1", "hours", "result"]  # fmt: skip
    assert [titles_by_name[name] for name in names] == titles


def test_csv_has_same_columns_and_values_as_json(secretary, ana):
    (in_json, _), (in_csv, _) = (
        read_rows(run_report(secretary, ana, format=format))
        for format in ("json", "csv")
    )

    assert in_csv == {
        **{name: "" if c is None else str(c) for name, c in in_json.items()},
        "partial": "true",
    }


def test_empty_class_has_no_rows_and_a_reason(secretary, sample_class):
    task = run_task(secretary, {"class_id": sample_class.pk}, kind="transcript")

    assert task.result["rows"] == 0
    assert task.result["summary"] == "Não há nenhum aluno matriculado no que foi pedido."  # fmt: skip


def test_attendance_of_prior_years_is_percent_too(secretary, sample_class, ana):
    create_prior_year(ana.student, 2024, attendance="92%")

    task = run_report(secretary, ana, format="csv-br")

    lines = artifacts.read_artifact(task.artifact).decode("utf-8-sig").splitlines()
    csv_rows = list(csv.DictReader(lines, delimiter=";"))
    assert [line["Frequência"] for line in csv_rows] == ["92%", "90,0%", "90,0%"]
