"""Reports of a class in which some students have inconsistent records."""

import datetime

import pytest

from school.models import Absence, Enrolment, Grade
from tests.support.earlier_release import earlier_release
from tests.support.school_factory import (
    MATHEMATICS,
    PORTUGUESE,
    SampleClass,
    create_prior_year,
    create_student,
    school_day,
    set_rules,
)
from tests.support.task_factories import read_rows, run_task
from tests.tasks.reports.figures.expected import EXPECTED

pytestmark = pytest.mark.django_db

WITH_STUDENTS = [
    kind for kind, expected in EXPECTED.items() if expected.students != "none"
]
LONG_NAME = "Maria " + "d" * 107 + " Souza"
FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def sample_class(network):
    """Class with twenty lesson days, five per term; grade level 2 has no rules."""
    sample_class = SampleClass()
    set_rules(sample_class.year, level=1, year_days=20, recovery_rule="weighted")
    sample_class.add_sessions(*range(20))
    return sample_class


@pytest.fixture
def inconsistent_class(sample_class):
    """Class with every inconsistency, and Zoé, whose records are consistent."""
    with earlier_release():
        add_inconsistent_records(sample_class)
    return sample_class


def add_inconsistent_records(sample_class):
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


def run_report(viewer, sample_class, kind, **options):
    parameters = {"class_id": sample_class.pk, **EXPECTED[kind].required_parameters}
    task = run_task(viewer, parameters, kind=kind, **options)
    assert task.state == "succeeded", task.error
    return task


@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize("format", ["json", "csv"])
@pytest.mark.parametrize("kind", EXPECTED)
def test_every_kind_succeeds_with_inconsistent_records(
    admin, inconsistent_class, kind, format, language
):
    task = run_report(admin, inconsistent_class, kind, format=format, language=language)

    assert task.result["rows"] == len(read_rows(task)) > 0


@pytest.mark.guarantee(
    "A student with inconsistent records changes no figure of another student."
)
@pytest.mark.parametrize("kind", WITH_STUDENTS)
def test_inconsistent_records_change_no_other_student(admin, inconsistent_class, kind):
    def zoe_rows():
        return [
            {**row, "number": None}
            for row in read_rows(run_report(admin, inconsistent_class, kind))
            if row["student"] == "Zoé"
        ]

    rows_with_others = zoe_rows()
    other_enrolments = Enrolment.objects.filter(
        school_class=inconsistent_class.pk
    ).exclude(student__name="Zoé")
    for model in (Grade, Absence):
        model.objects.filter(enrolment__in=other_enrolments).delete()
    other_enrolments.delete()

    assert rows_with_others == zoe_rows()


@pytest.mark.parametrize("kind", EXPECTED)
def test_skipped_records_are_counted_by_reason(admin, inconsistent_class, kind):
    skipped = EXPECTED[kind].skipped_of_inconsistent_class
    result = run_report(admin, inconsistent_class, kind).result["skipped"]

    assert {reason["code"]: reason["count"] for reason in result["reasons"]} == skipped
    assert result["total"] == sum(skipped.values())
    assert all(" " in reason["detail"] for reason in result["reasons"])


@pytest.mark.parametrize(
    "kind", [kind for kind, expected in EXPECTED.items() if expected.students == "all"]
)
def test_formula_name_is_escaped_only_in_csv(admin, inconsistent_class, kind):
    def names(format):
        rows = read_rows(run_report(admin, inconsistent_class, kind, format=format))
        return {(row["student"], row["registration"]) for row in rows}

    assert (FORMULA, "-1+1") in names("json")
    assert (f"'{FORMULA}", "'-1+1") in names("csv")
    assert (FORMULA, "-1+1") not in names("csv")


def test_long_names_are_not_truncated(admin, inconsistent_class):
    displayed_names = {
        row["student"]
        for row in read_rows(run_report(admin, inconsistent_class, "report_card"))
    }
    name_pairs = {
        (row["student"], row["social_name"])
        for row in read_rows(run_report(admin, inconsistent_class, "transcript"))
    }

    assert len(LONG_NAME) == 119
    assert LONG_NAME[::-1] in displayed_names
    assert (LONG_NAME, LONG_NAME[::-1]) in name_pairs


def test_impossible_birth_date_has_no_benefit_minimum(admin, inconsistent_class):
    rows = read_rows(run_report(admin, inconsistent_class, "attendance_summary"))

    below = {row["student"]: row["benefit_below"] for row in rows}
    assert below["Davi"] is below["Eva"] is None


def test_overlapping_enrolments_count_each_day_once(admin, inconsistent_class):
    rows = read_rows(run_report(admin, inconsistent_class, "final_results"))

    assert [row["situation"] for row in rows if row["student"] == "Fábio"] == [
        "left",
        "left",
    ]
    days = read_rows(run_report(admin, inconsistent_class, "attendance_summary"))
    assert [row["days"] for row in days if row["student"] == "Fábio"] == [18]


def test_prior_year_in_the_future_is_listed(admin, inconsistent_class):
    student = inconsistent_class.school_class.enrolments.get(
        student__name="Zoé"
    ).student
    create_prior_year(student, 2999, school="?" * 120)

    last = read_rows(run_report(admin, inconsistent_class, "transcript"))[-1]

    assert (last["student"], last["year"]) == ("Zoé", "2999")


def test_rules_with_more_terms_than_calendar_apply(admin, network):
    sample_class = SampleClass()
    set_rules(sample_class.year, terms=6)
    enrolment = sample_class.enrol("Ana")
    sample_class.add_grades(enrolment, PORTUGUESE, 70, 70, 70, 70, 70, 70)

    row, _blank = read_rows(run_report(admin, sample_class, "report_card"))

    assert (row["term_6"], row["mean"], row["result"]) == ("7.0", "7.00", "passed")
