import io

import openpyxl
import pytest
from django.utils.translation import override

from school.access import visible_enrolments
from tasks import artifacts
from tasks.errors import InvalidRequest
from tasks.reports.attendance_summary import AttendanceSummary, Parameters
from tests.support.class_factory import (
    SampleClass,
    create_student,
    school_day,
    set_rules,
)
from tests.support.task_factories import queue_task, read_rows, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "tests/tasks/reports/figures and tests/api/matrix compare this kind's rows on both"
    ),
]

FEBRUARY, APRIL, JUNE = 0, 57, 118
"""The first days of lessons of the windows, of which the first has 57 and the second 61."""


@pytest.fixture
def sample_class(network):
    """Two hundred days of lessons, from the third of February to the 21st of August."""
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


def test_days_are_counted_and_judged(secretary, sample_class):
    ana = sample_class.enrol(
        create_student("Ana", registration="7", birth_date="2015-05-05")
    )
    sample_class.add_absences(
        ana, *range(20), *range(APRIL, APRIL + 16), justified_count=5
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
    }


@pytest.mark.parametrize(
    ("absences", "shown"),
    [
        (50, ("75.0", False, 0, "150/200 = 75.0 % ≥ 75 %")),
        (51, ("74.5", True, -1, "149/200 = 74.5 % < 75 %")),
    ],
)
def test_three_quarters_are_enough_and_a_day_less_is_not(
    secretary, sample_class, absences, shown
):
    enrol_with_absences(sample_class, "Bia", absences)

    (row,) = read_rows(run_report(secretary, sample_class, language="en"))

    percent, is_below, left, reckoned = shown
    assert (row["attendance"], row["below_minimum"]) == (percent, is_below)
    assert row["absences_left"] == left
    assert row["explanation"] == f"attendance {reckoned} (days given)"


@pytest.mark.parametrize(("absences", "is_told"), [(15, False), (16, True)])
def test_conselho_tutelar_is_told_past_fifteen_days(
    secretary, sample_class, absences, is_told
):
    enrol_with_absences(sample_class, "Caio", absences)

    assert read_rows(run_report(secretary, sample_class))[0]["council_list"] is is_told


def test_share_just_below_the_minimum_is_not_rounded_to_it(secretary, network):
    room = SampleClass()
    set_rules(room.year, minimum_attendance="74.89")
    room.add_sessions(*range(199))
    enrol_with_absences(room, "Davi", 50)

    (row,) = read_rows(run_report(secretary, room))

    # 14900 / 199 = 74.874..., which to one place would be 74.9
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
def test_benefit_asks_by_the_age_on_the_window_s_first_day(
    secretary, sample_class, born, below
):
    enrolment = sample_class.enrol(create_student("Eva", birth_date=born))
    # 37 of 57 are 64.9 %, and 36 of 61 are 59.0 %.
    sample_class.add_absences(enrolment, *range(20), *range(APRIL, APRIL + 25))

    assert read_rows(run_report(secretary, sample_class))[0]["benefit_below"] == below


def test_list_has_only_those_that_are_asked_for(secretary, sample_class):
    for name, absences in [("Ana", 0), ("Bia", 16), ("Caio", 51)]:
        enrol_with_absences(sample_class, name, absences, birth_date="2015-05-05")
    benefit = enrol_with_absences(sample_class, "Davi", 0, birth_date="2015-05-05")
    sample_class.add_absences(benefit, *range(JUNE, JUNE + 15))  # of 61 days 46: 75.4 %
    sample_class.add_absences(benefit, *range(179, 185))  # of 21 days 15: 71.4 %

    def listed(**given):
        rows = read_rows(run_report(secretary, sample_class, parameters=given))
        return [row["student"] for row in rows]

    assert listed() == listed(list="all") == ["Ana", "Bia", "Caio", "Davi"]
    assert listed(list="below_minimum") == ["Caio"]
    assert listed(list="council") == ["Bia", "Caio", "Davi"]
    assert listed(list="benefit") == ["Bia", "Caio", "Davi"]


def test_who_is_another_school_s_or_has_died_is_on_no_list(secretary, sample_class):
    endings = [
        "transferred",
        "reclassified",
        "class_change",
        "deceased",
        "abandoned",
        "",
    ]
    for ending in endings:
        gone = sample_class.enrol(
            create_student(f"É {ending}", birth_date="2015-05-05"),
            exit_date=school_day(60),
            ending=ending,
        )
        sample_class.add_absences(gone, *range(40))

    everybody = read_rows(run_report(secretary, sample_class))
    assert [row["ending"] for row in everybody] == [
        "transferred", "reclassified", "class_changed", "deceased", "abandoned", "left",
    ]  # fmt: skip
    for name in ("below_minimum", "council", "benefit"):
        task = run_report(secretary, sample_class, parameters={"list": name})

        assert [row["student"] for row in read_rows(task)] == ["É abandoned", "É "]
        assert task.result["skipped"]["reasons"][0]["code"] == "left"
        assert task.result["skipped"]["total"] == 4


def test_list_of_another_name_is_refused_with_those_there_are(secretary, sample_class):
    with pytest.raises(InvalidRequest) as refused:
        queue_task(
            secretary,
            {"class_id": sample_class.pk, "list": "everyone"},
            kind="attendance_summary",
        )

    (flaw,) = refused.value.field_errors
    assert (flaw.pointer, flaw.code) == ("/parameters/list", "literal_error")
    assert flaw.detail == (
        "O valor deve ser um destes: 'all', 'below_minimum', 'council', 'benefit'"
    )


def test_list_without_anybody_says_that_nobody_is_on_it(secretary, sample_class):
    enrol_with_absences(sample_class, "Ana", 0)

    task = run_report(secretary, sample_class, parameters={"list": "council"})

    assert task.result["rows"] == 0
    assert task.result["summary"] == "Nenhum aluno está na lista pedida."


def test_year_is_smaller_for_who_came_late(secretary, sample_class):
    late = sample_class.enrol("Fábio", entry_date=school_day(150))
    sample_class.add_absences(late, *range(150, 155))

    (row,) = read_rows(run_report(secretary, sample_class))

    assert (row["days"], row["planned"], row["absences_left"]) == (50, 50, 7)
    assert (row["attendance"], row["council_list"]) == ("90.0", True)


def test_planned_days_are_the_base_where_the_rules_say_so(secretary, network):
    room = SampleClass()
    set_rules(room.year, attendance_base="planned", year_days=20)
    room.add_sessions(*range(10))
    room.add_absences(room.enrol("Gil"), 0, 1, 2)

    (row,) = read_rows(run_report(secretary, room))

    assert (row["days"], row["planned"], row["attendance"]) == (10, 20, "85.0")
    assert row["explanation"] == (
        "frequência 17/20 = 85,0 % ≥ 75 % (dos dias letivos previstos)"
    )


def test_without_rules_days_are_counted_and_nobody_is_judged(secretary, network):
    room = SampleClass()
    room.add_sessions(*range(10))
    room.add_absences(room.enrol("Hugo"), 0, 1, 2)

    (row,) = read_rows(run_report(secretary, room))

    assert (row["days"], row["absences"], row["attendance"]) == (10, 3, "70.0")
    judged = ("planned", "absences_left", "below_minimum", "council_list", "explanation")  # fmt: skip
    assert {row[name] for name in judged} == {None}


def test_without_days_nobody_is_judged(secretary, network):
    room = SampleClass()
    set_rules(room.year)
    room.enrol("Iara")

    (row,) = read_rows(run_report(secretary, room))

    assert (row["days"], row["attendance"]) == (0, None)
    assert (row["planned"], row["absences_left"]) == (200, 50)
    assert row["below_minimum"] is row["council_list"] is None
    assert row["explanation"] == "nenhum dia letivo registrado ainda"


def test_booleans_are_booleans_in_json_and_words_in_csv(secretary, sample_class):
    enrol_with_absences(sample_class, "Ana", 16)

    (in_json,) = read_rows(run_report(secretary, sample_class))
    (in_csv,) = read_rows(run_report(secretary, sample_class, format="csv"))

    assert (in_json["below_minimum"], in_json["council_list"]) == (False, True)
    assert (in_csv["below_minimum"], in_csv["council_list"]) == ("false", "true")
    assert list(in_json) == list(in_csv)


def test_absences_outside_the_enrolment_are_left_out_and_said(secretary, sample_class):
    early = sample_class.enrol(
        "João", entry_date=school_day(10), exit_date=school_day(20)
    )
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
        ("en", ["Days of lessons", "Of these justified", "Below the minimum", "For the Conselho Tutelar", "February and March", "Windows below the Bolsa Família's minimum"]),
    ],
)  # fmt: skip
def test_titles_are_in_the_language_and_names_are_not(secretary, language, titles):
    report = AttendanceSummary(Parameters(class_id=1), visible_enrolments(secretary))
    with override(language):
        shown = {column.name: str(column.title) for column in report.columns()}

    names = ["days", "justified", "below_minimum", "council_list", "attendance_feb_mar", "benefit_below"]  # fmt: skip
    assert [shown[name] for name in names] == titles


@pytest.mark.parametrize(
    ("name", "skipped"),
    [("council", 1), ("below_minimum", 1), ("benefit", 0), ("all", 0)],
)
def test_who_has_no_rules_is_left_out_of_lists_by_them(
    secretary, sample_class, name, skipped
):
    enrol_with_absences(sample_class, "Ana", 0)
    sample_class.year.rules.update(grade_level=2)

    said = run_report(secretary, sample_class, parameters={"list": name}).result[
        "skipped"
    ]

    assert [(r["code"], r["count"]) for r in said["reasons"]] == [
        ("no_rules", 1) for _ in range(skipped)
    ]


def test_paper_says_which_list_it_is(secretary, sample_class):
    parameters = {"class_id": sample_class.pk, "list": "council"}

    task = run_task(secretary, parameters, kind="attendance_summary", format="xlsx")

    book = openpyxl.load_workbook(io.BytesIO(artifacts.read_artifact(task.artifact)))
    assert book.worksheets[-1]["A1"].value == "Frequência: para o Conselho Tutelar"
    assert task.result["filename"].startswith("Frequência para o Conselho Tutelar ")
