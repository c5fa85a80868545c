"""One student's records cannot be right: the class has its report all the same."""

import datetime

import pytest

from school.models import Absence, Enrolment, Grade, PriorYear
from tasks.reporting import registry
from tests.support.class_factory import (
    MATHEMATICS,
    PORTUGUESE,
    SampleClass,
    create_student,
    school_day,
    set_rules,
)
from tests.support.task_factories import read_rows, run_task

pytestmark = pytest.mark.django_db

KINDS = [
    kind
    for kind, report in registry.report_classes().items()
    if report.__module__.startswith("tasks.reports.")
]
WITH_STUDENTS = [kind for kind in KINDS if kind != "class_performance"]
LONG_NAME = "Maria " + "d" * 107 + " Souza"
FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def sample_class(network):
    """Level 2 has no rules; of the twenty days of lessons each term has five."""
    sample_class = SampleClass()
    set_rules(sample_class.year, level=1, year_days=20, recovery_rule="weighted")
    sample_class.add_sessions(*range(20))
    return sample_class


@pytest.fixture
def inconsistent_class(sample_class):
    """Every oddity at once, and Zoé, of whom nothing is odd."""
    extra_terms = sample_class.enrol("Ana")
    sample_class.add_grades(extra_terms, PORTUGUESE, 70, 70, 70, 70, 10, 10, 10)
    absent_before_entry = sample_class.enrol("Bia", entry_date=school_day(10))
    sample_class.add_absences(absent_before_entry, 0, 1, 12)
    without_rules = sample_class.enrol("Caio", grade_level_id=2)
    sample_class.add_grades(without_rules, PORTUGUESE, 70)
    sample_class.enrol(create_student(LONG_NAME, social_name=LONG_NAME[::-1]))
    sample_class.enrol(create_student(FORMULA, registration="-1+1", parents="@SUM(A1)"))
    sample_class.enrol(create_student("Davi", birth_date=datetime.date(2031, 1, 1)))
    sample_class.enrol(create_student("Eva", birth_date=datetime.date(1, 1, 1)))
    overlapping = sample_class.enrol("Fábio", exit_date=school_day(15))
    sample_class.enrol(
        overlapping.student, entry_date=school_day(5), exit_date=school_day(18)
    )
    other_class = SampleClass("Turma B", subjects=(6,))
    other_class.enrol(overlapping.student, entry_date=school_day(2))
    class_changer = sample_class.enrol(
        "Gil", exit_date=school_day(5), ending="class_change"
    )
    sample_class.add_grades(class_changer, MATHEMATICS, 90, 90)
    other_class.enrol(class_changer.student, entry_date=school_day(5))
    regular = sample_class.enrol("Zoé")
    for subject in (PORTUGUESE, MATHEMATICS):
        sample_class.add_grades(regular, subject, 60, 70, 80, 90)
    sample_class.add_absences(regular, 3)
    return sample_class


def run_report(viewer, sample_class, kind, **options):
    extra_parameters = {"table": "enrolments"} if kind == "data_export" else {}
    task = run_task(
        viewer, {"class_id": sample_class.pk, **extra_parameters}, kind=kind, **options
    )
    assert task.state == "succeeded", task.error
    return task


@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize("format", ["json", "csv"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_made_of_them(admin, inconsistent_class, kind, format, language):
    task = run_report(admin, inconsistent_class, kind, format=format, language=language)

    assert task.result["rows"] == len(read_rows(task)) > 0


@pytest.mark.guarantee(
    "A student with odd records changes no figure of another student."
)
@pytest.mark.parametrize("kind", WITH_STUDENTS)
def test_others_figures_are_as_if_the_odd_ones_were_not_there(
    admin, inconsistent_class, kind
):
    def of_zoe():
        return [
            {**row, "number": None}
            for row in read_rows(run_report(admin, inconsistent_class, kind))
            if row["student"] == "Zoé"
        ]

    among_them = of_zoe()
    others = Enrolment.objects.filter(school_class=inconsistent_class.pk).exclude(
        student__name="Zoé"
    )
    for model in (Grade, Absence):
        model.objects.filter(enrolment__in=others).delete()
    others.delete()

    assert among_them == of_zoe()


@pytest.mark.parametrize(
    ("kind", "skipped"),
    [
        ("report_card", {"grade_outside_terms": 3, "absence_outside_enrolment": 2, "grade_after_exit": 1, "enrolment_overlaps": 1}),
        ("transcript", {"grade_outside_terms": 3, "absence_outside_enrolment": 2, "grade_after_exit": 1, "subject_not_offered": 1, "enrolment_overlaps": 1}),
        ("final_results", {"grade_outside_terms": 3, "absence_outside_enrolment": 2, "grade_after_exit": 1, "enrolment_overlaps": 1}),
        ("attendance_summary", {"absence_outside_enrolment": 2, "enrolment_overlaps": 1}),
        ("at_risk_students", {"grade_outside_terms": 3, "absence_outside_enrolment": 2, "grade_after_exit": 1, "left": 3, "no_rules": 1, "enrolment_overlaps": 1}),
        ("class_performance", {"grade_outside_terms": 3, "grade_after_exit": 1}),
    ],
)  # fmt: skip
def test_what_was_left_out_is_said_and_why(admin, inconsistent_class, kind, skipped):
    said = run_report(admin, inconsistent_class, kind).result["skipped"]

    assert {one["code"]: one["count"] for one in said["reasons"]} == skipped
    assert said["total"] == sum(skipped.values())
    assert all(" " in one["detail"] for one in said["reasons"])


@pytest.mark.parametrize("kind", [k for k in WITH_STUDENTS if k != "at_risk_students"])
def test_name_that_is_a_formula_is_a_text_in_csv_and_itself_in_json(
    admin, inconsistent_class, kind
):
    def names(format):
        rows = read_rows(run_report(admin, inconsistent_class, kind, format=format))
        return {(row["student"], row["registration"]) for row in rows}

    assert (FORMULA, "-1+1") in names("json")
    assert (f"'{FORMULA}", "'-1+1") in names("csv")
    assert (FORMULA, "-1+1") not in names("csv")


def test_names_are_shown_whole(admin, inconsistent_class):
    called = {
        row["student"]
        for row in read_rows(run_report(admin, inconsistent_class, "report_card"))
    }
    papers = {
        (row["student"], row["social_name"])
        for row in read_rows(run_report(admin, inconsistent_class, "transcript"))
    }

    assert len(LONG_NAME) == 119
    assert LONG_NAME[::-1] in called
    assert (LONG_NAME, LONG_NAME[::-1]) in papers


def test_birth_date_that_cannot_be_has_no_minimum_of_the_benefit(
    admin, inconsistent_class
):
    rows = read_rows(run_report(admin, inconsistent_class, "attendance_summary"))

    below = {row["student"]: row["benefit_below"] for row in rows}
    assert below["Davi"] is below["Eva"] is None


def test_overlapping_enrolments_are_years_of_their_own(admin, inconsistent_class):
    rows = read_rows(run_report(admin, inconsistent_class, "final_results"))

    assert [row["situation"] for row in rows if row["student"] == "Fábio"] == [
        "left",
        "left",
    ]
    days = read_rows(run_report(admin, inconsistent_class, "attendance_summary"))
    assert [row["days"] for row in days if row["student"] == "Fábio"] == [15, 13]


def test_prior_year_of_the_future_is_no_trouble(admin, inconsistent_class):
    one = inconsistent_class.school_class.enrolments.get(student__name="Zoé").student
    PriorYear.objects.create(
        student=one, year=2999, grade_level="?", school="?" * 120, result="?"
    )

    last = read_rows(run_report(admin, inconsistent_class, "transcript"))[-1]

    assert (last["student"], last["year"]) == ("Zoé", "2999")


def test_rules_of_more_terms_than_the_calendar_are_the_year_s(admin, network):
    room = SampleClass()
    set_rules(room.year, terms=6)
    one = room.enrol("Ana")
    room.add_grades(one, PORTUGUESE, 70, 70, 70, 70, 70, 70)

    row, _blank = read_rows(run_report(admin, room, "report_card"))

    assert (row["term_6"], row["mean"], row["result"]) == ("7.0", "7.00", "passed")
