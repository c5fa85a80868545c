import io

import openpyxl
import pytest
from django.utils.translation import override

from school.access import visible_enrolments
from tasks import artifacts
from tasks.errors import InvalidRequest
from tasks.reports.attendance_summary import AttendanceSummary, Parameters
from tests.support.earlier_release import earlier_release
from tests.support.school_factory import (
    SampleClass,
    create_student,
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

FEBRUARY, APRIL, JUNE = 0, 57, 118
"""Indexes of the first lesson days of windows; the first window has 57 days, the second 61."""


@pytest.fixture
def sample_class(network):
    """Class with 200 lesson days, from 3 February to 21 August."""
    sample_class = SampleClass()
    set_rules(sample_class.year)
    sample_class.add_sessions(*range(200))
    return sample_class


def run_report(viewer, sample_class, **options):
    parameters = {"class_id": sample_class.pk, **options.pop("parameters", {})}
    return run_task(viewer, parameters, kind="attendance_summary", **options)


def enrol_with_absences(sample_class, name, count, **fields):
    enrolment = sample_class.enrol(create_student(name, **fields))
    sample_class.add_absences(enrolment, *range(count))
    return enrolment


def test_row_has_counts_and_judgements(secretary, sample_class):
    ana = sample_class.enrol(
        create_student("Ana", registration="7", birth_date="2015-05-05")
    )
    sample_class.add_absences(
        ana, *range(20), *range(APRIL, APRIL + 16), justified=range(5)
    )

    (row,) = read_rows(run_report(secretary, sample_class))

    assert row == {
        "school": sample_class.school_class.school.name,
        "year": "2025",
        "class": "Turma A",
        "grade_level": "1º ano",
        "number": 1,
        "registration": "7",
        "student": "Ana",
        "ending": None,
        "days": 200,
        "absences": 36,
        "justified": 5,
        "attendance": "82.0",
        "planned": 200,
        "absences_left": 14,
        "below_minimum": False,
        "council_list": True,
        "attendance_feb_mar": "64.9",  # 37 of 57
        "attendance_apr_may": "73.8",  # 45 of 61
        "attendance_jun_jul": "100.0",
        "attendance_aug_sep": "100.0",
        "attendance_oct_nov": None,
        "benefit_below": "feb_mar apr_may",
        "explanation": "frequência 164/200 = 82,0 % ≥ 75 % (dos dias letivos dados)",
        "student_id": ana.student_id,
        "class_id": sample_class.pk,
        "school_id": sample_class.school_class.school_id,
    }


@pytest.mark.parametrize(
    ("absences", "expected"),
    [
        (50, ("75.0", False, 0, "150/200 = 75.0 % ≥ 75 %")),
        (51, ("74.5", True, -1, "149/200 = 74.5 % < 75 %")),
    ],
)
def test_minimum_attendance_boundary_is_inclusive(
    secretary, sample_class, absences, expected
):
    enrol_with_absences(sample_class, "Bia", absences)

    (row,) = read_rows(run_report(secretary, sample_class, language="en"))

    percent, is_below, absences_left, calculation = expected
    assert (row["attendance"], row["below_minimum"]) == (percent, is_below)
    assert row["absences_left"] == absences_left
    assert row["explanation"] == f"attendance {calculation} (days given)"


@pytest.mark.parametrize(("absences", "is_listed"), [(15, False), (16, True)])
def test_council_list_starts_after_fifteen_absences(
    secretary, sample_class, absences, is_listed
):
    enrol_with_absences(sample_class, "Caio", absences)

    assert (
        read_rows(run_report(secretary, sample_class))[0]["council_list"] is is_listed
    )


def test_attendance_below_minimum_is_not_rounded_up_to_it(secretary, network):
    sample_class = SampleClass()
    set_rules(sample_class.year, minimum_attendance="74.89")
    sample_class.add_sessions(*range(199))
    enrol_with_absences(sample_class, "Davi", 50)

    (row,) = read_rows(run_report(secretary, sample_class))

    # 14900 / 199 = 74.874...; rounded to one decimal it would be 74.9
    assert (row["attendance"], row["below_minimum"]) == ("74.87", True)
    assert row["explanation"] == (
        "frequência 149/199 = 74,8743… % < 74,89 % (dos dias letivos dados)"
    )


@pytest.mark.parametrize(
    ("born", "below"),
    [
        ("2021-04-02", None),  # three years old in both
        ("2021-02-02", "apr_may"),
        ("2019-04-01", "apr_may"),  # turns six on the first day of the second window
        ("2019-02-01", "feb_mar apr_may"),
        ("2007-04-02", "feb_mar apr_may"),
        ("2007-04-01", "feb_mar"),  # turns eighteen
        ("2007-02-01", None),
    ],
)
def test_benefit_minimum_uses_age_on_first_day_of_window(
    secretary, sample_class, born, below
):
    enrolment = sample_class.enrol(create_student("Eva", birth_date=born))
    # 37 of 57 are 64.9 %, and 36 of 61 are 59.0 %.
    sample_class.add_absences(enrolment, *range(20), *range(APRIL, APRIL + 25))

    assert read_rows(run_report(secretary, sample_class))[0]["benefit_below"] == below


def test_list_parameter_filters_students(secretary, sample_class):
    for name, absences in [("Ana", 0), ("Bia", 16), ("Caio", 51)]:
        enrol_with_absences(sample_class, name, absences, birth_date="2015-05-05")
    benefit = enrol_with_absences(sample_class, "Davi", 0, birth_date="2015-05-05")
    sample_class.add_absences(benefit, *range(JUNE, JUNE + 15))  # 46 of 61 days: 75.4 %
    sample_class.add_absences(benefit, *range(179, 185))  # 15 of 21 days: 71.4 %

    def list_students(**filters):
        rows = read_rows(run_report(secretary, sample_class, parameters=filters))
        return [row["student"] for row in rows]

    assert (
        list_students() == list_students(list="all") == ["Ana", "Bia", "Caio", "Davi"]
    )
    assert list_students(list="below_minimum") == ["Caio"]
    assert list_students(list="council") == ["Bia", "Caio", "Davi"]
    assert list_students(list="benefit") == ["Bia", "Caio", "Davi"]


def test_transferred_and_deceased_students_are_on_no_list(secretary, sample_class):
    endings = [
        "transferred",
        "reclassified",
        "class_change",
        "deceased",
        "abandoned",
        "",
    ]
    for ending in endings:
        enrolment = sample_class.enrol(
            create_student(f"É {ending}", birth_date="2015-05-05"),
            exit_date=school_day(60),
            ending=ending,
        )
        sample_class.add_absences(enrolment, *range(40))

    all_rows = read_rows(run_report(secretary, sample_class))
    assert [row["ending"] for row in all_rows] == [
        "transferred", "reclassified", "class_changed", "deceased", "abandoned", "left",
    ]  # fmt: skip
    for name in ("below_minimum", "council", "benefit"):
        task = run_report(secretary, sample_class, parameters={"list": name})

        # Nobody else follows those up who went on in a class that is not recorded.
        assert [row["student"] for row in read_rows(task)] == [
            "É reclassified", "É class_change", "É abandoned", "É ",
        ]  # fmt: skip
        assert task.result["skipped"]["reasons"][0]["code"] == "left"
        assert task.result["skipped"]["total"] == 2


def test_students_who_moved_are_listed_once_with_all_days(
    admin, secretary, sample_class
):
    next_class, next_level = SampleClass("Turma B", school=2), SampleClass("Turma C")
    next_level.school_class.grade_levels.set([2])
    for school_class in (next_class, next_level):
        school_class.add_sessions(*range(60, 80))
    for ending in ("transferred", "reclassified", "class_change", "abandoned", ""):
        to = next_level if ending == "reclassified" else next_class
        before = sample_class.enrol(
            create_student(f"É {ending}", birth_date="2015-05-05"),
            exit_date=school_day(60),
            ending=ending,
        )
        sample_class.add_absences(before, *range(60))
        level = 2 if ending == "reclassified" else 1
        to.enrol(before.student, grade_level_id=level, entry_date=school_day(60))

    for name in ("below_minimum", "council", "benefit"):
        here = run_report(secretary, sample_class, parameters={"list": name})
        assert (here.result["rows"], here.result["skipped"]["total"]) == (0, 5)
        everywhere = run_task(
            admin,
            {"year": 2025, "list": name},
            kind="attendance_summary",
        )
        assert sorted(
            (row["student"], row["class"], row["absences"])
            for row in read_rows(everywhere)
        ) == [
            ("É ", "Turma B", 60),
            ("É abandoned", "Turma B", 60),
            ("É class_change", "Turma B", 60),
            ("É reclassified", "Turma C", 60),
            ("É transferred", "Turma B", 60),
        ]


def test_unknown_list_name_is_rejected_with_choices(secretary, sample_class):
    with pytest.raises(InvalidRequest) as refused:
        queue_task(
            secretary,
            {"class_id": sample_class.pk, "list": "everyone"},
            kind="attendance_summary",
        )

    (error,) = refused.value.field_errors
    assert (error.pointer, error.code) == ("/parameters/list", "literal_error")
    assert error.detail == (
        "O valor deve ser um destes: 'all', 'below_minimum', 'council', 'benefit'"
    )


def test_empty_list_summary_says_so(secretary, sample_class):
    enrol_with_absences(sample_class, "Ana", 0)

    task = run_report(secretary, sample_class, parameters={"list": "council"})

    assert task.result["rows"] == 0
    assert task.result["summary"] == "Nenhum aluno está na lista pedida."


def test_late_entry_reduces_planned_days(secretary, sample_class):
    late = sample_class.enrol("Fábio", entry_date=school_day(150))
    sample_class.add_absences(late, *range(150, 155))

    (row,) = read_rows(run_report(secretary, sample_class))

    assert (row["days"], row["planned"], row["absences_left"]) == (50, 50, 7)
    assert (row["attendance"], row["council_list"]) == ("90.0", True)


def test_planned_attendance_base_uses_planned_days(secretary, network):
    sample_class = SampleClass()
    set_rules(sample_class.year, attendance_base="planned", year_days=20)
    sample_class.add_sessions(*range(10))
    sample_class.add_absences(sample_class.enrol("Gil"), 0, 1, 2)

    (row,) = read_rows(run_report(secretary, sample_class))

    assert (row["days"], row["planned"], row["attendance"]) == (10, 20, "85.0")
    assert row["explanation"] == (
        "frequência 17/20 = 85,0 % ≥ 75 % (dos dias letivos previstos)"
    )


def test_class_without_rules_has_counts_but_no_judgements(secretary, network):
    sample_class = SampleClass()
    sample_class.add_sessions(*range(10))
    sample_class.add_absences(sample_class.enrol("Hugo"), 0, 1, 2)

    (row,) = read_rows(run_report(secretary, sample_class))

    assert (row["days"], row["absences"], row["attendance"]) == (10, 3, "70.0")
    judged = ("planned", "absences_left", "below_minimum", "council_list", "explanation")  # fmt: skip
    assert {row[name] for name in judged} == {None}


def test_class_without_days_has_no_judgements(secretary, network):
    sample_class = SampleClass()
    set_rules(sample_class.year)
    sample_class.enrol("Iara")

    (row,) = read_rows(run_report(secretary, sample_class))

    assert (row["days"], row["attendance"]) == (0, None)
    assert (row["planned"], row["absences_left"]) == (200, 50)
    assert row["below_minimum"] is row["council_list"] is None
    assert row["explanation"] == "nenhum dia letivo registrado ainda"


def test_booleans_are_typed_in_json_and_text_in_csv(secretary, sample_class):
    enrol_with_absences(sample_class, "Ana", 16)

    (in_json,) = read_rows(run_report(secretary, sample_class))
    (in_csv,) = read_rows(run_report(secretary, sample_class, format="csv"))

    assert (in_json["below_minimum"], in_json["council_list"]) == (False, True)
    assert (in_csv["below_minimum"], in_csv["council_list"]) == ("false", "true")
    assert list(in_json) == list(in_csv)


def test_absences_outside_enrolment_are_skipped(secretary, sample_class):
    early = sample_class.enrol(
        "João", entry_date=school_day(10), exit_date=school_day(20)
    )
    with earlier_release():
        sample_class.add_absences(early, 9, 10, 19, 20, 21)

    task = run_report(secretary, sample_class)

    assert read_rows(task)[0]["absences"] == 2
    assert task.result["skipped"]["reasons"] == [
        {
            "code": "absence_outside_enrolment",
            "detail": "Faltas em dias em que o aluno não estava na turma.",
            "count": 3,
        }
    ]


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("pt-br", ["Dias letivos", "Das quais justificadas", "Abaixo do mínimo", "Para o Conselho Tutelar", "Fevereiro e março", "Bimestres abaixo do mínimo do Bolsa Família"]),
        ("en", ["Days of lessons", "Justified absences", "Below the minimum", "For the Conselho Tutelar", "February and March", "Windows below the Bolsa Família's minimum"]),
    ],
)  # fmt: skip
def test_only_column_titles_are_translated(secretary, language, titles):
    report = AttendanceSummary(Parameters(class_id=1), visible_enrolments(secretary))
    with override(language):
        titles_by_name = {column.name: str(column.title) for column in report.columns()}

    names = ["days", "justified", "below_minimum", "council_list", "attendance_feb_mar", "benefit_below"]  # fmt: skip
    assert [titles_by_name[name] for name in names] == titles


@pytest.mark.parametrize(
    ("name", "skipped"),
    [("council", 1), ("below_minimum", 1), ("benefit", 0), ("all", 0)],
)
def test_students_without_rules_are_skipped_from_rule_lists(
    secretary, sample_class, name, skipped
):
    enrol_with_absences(sample_class, "Ana", 0)
    sample_class.year.rules.update(grade_level=2)

    result = run_report(secretary, sample_class, parameters={"list": name}).result[
        "skipped"
    ]

    assert [(r["code"], r["count"]) for r in result["reasons"]] == [
        ("no_rules", 1) for _ in range(skipped)
    ]


def test_title_and_filename_name_the_list(secretary, sample_class):
    parameters = {"class_id": sample_class.pk, "list": "council"}

    task = run_task(secretary, parameters, kind="attendance_summary", format="xlsx")

    book = openpyxl.load_workbook(io.BytesIO(artifacts.read_artifact(task.artifact)))
    assert book.worksheets[-1]["A1"].value == "Frequência: para o Conselho Tutelar"
    assert task.result["filename"].startswith("Frequência – ")
    assert " – Para o Conselho Tutelar – " in task.result["filename"]
