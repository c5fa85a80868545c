"""Reports on students who also attend a class that is not regular."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from school.models import SchoolClass
from tests.support.school_factory import (
    PORTUGUESE,
    SampleClass,
    school_day,
    set_rules,
)
from tests.support.task_factories import read_rows, run_task

pytestmark = pytest.mark.django_db

JUDGED_KINDS = [
    "report_card", "final_results", "transcript", "at_risk_students", "class_performance",
]  # fmt: skip
DAY_COUNT = 20


@pytest.fixture
def regular_class(network):
    regular_class = SampleClass("3º A", subjects=(PORTUGUESE,))
    set_rules(regular_class.year, year_days=DAY_COUNT)
    regular_class.add_sessions(*range(DAY_COUNT))
    return regular_class


@pytest.fixture
def support_class(regular_class):
    """Specialised support on every second day, for the only student of the regular class."""
    support_class = SampleClass("AEE tarde", subjects=())
    support_class.add_sessions(*range(0, DAY_COUNT, 2))
    support_class.school_class.kind = "aee"
    support_class.school_class.save()
    enrolment = regular_class.enrol("Caio")
    regular_class.add_grades(enrolment, PORTUGUESE, 70, 70, 70, 70)
    regular_class.add_absences(enrolment, 0, 1)
    support = support_class.enrol(enrolment.student)
    support_class.add_absences(support, 0, 2, 4, 6, 8, 10, 12)
    return support_class


def run_report(viewer, kind, **parameters):
    return run_task(viewer, parameters, kind=kind)


def skipped_of(task):
    return {
        reason["code"]: reason["count"] for reason in task.result["skipped"]["reasons"]
    }


def test_support_adds_no_student_and_no_line(admin, support_class):
    final = run_report(admin, "final_results", year=2025)
    assert final.result["summary"].endswith(" Matrículas: 1 (Aprovado: 1)")
    (line,) = read_rows(run_report(admin, "transcript", year=2025))
    assert (line["grade"], line["days"], line["attendance"]) == ("7.00", 20, "90.0")
    (row,) = read_rows(run_report(admin, "attendance_summary", year=2025))
    assert (row["class"], row["days"], row["absences"]) == ("3º A", 20, 2)
    for task in (final, run_report(admin, "attendance_summary", year=2025)):
        assert skipped_of(task) == {"not_regular": 1}


def test_attendance_of_support_class_is_not_judged(admin, support_class):
    (row,) = read_rows(
        run_report(admin, "attendance_summary", class_id=support_class.pk)
    )

    assert (row["days"], row["absences"], row["attendance"]) == (10, 7, "30.0")
    assert [
        row[name]
        for name in ("planned", "absences_left", "below_minimum", "council_list", "benefit_below")
    ] == [None] * 5  # fmt: skip
    for name in ("below_minimum", "council", "benefit"):
        listed = run_report(
            admin, "attendance_summary", class_id=support_class.pk, list=name
        )
        assert (listed.result["rows"], skipped_of(listed)) == (0, {"not_regular": 1})


@pytest.mark.parametrize("kind", JUDGED_KINDS)
def test_judged_report_of_support_class_is_empty_and_says_why(
    admin, support_class, kind
):
    task = run_report(admin, kind, class_id=support_class.pk)

    assert task.result["rows"] == 0
    assert task.result["summary"] == (
        "Só turmas regulares têm resultados. As turmas de atendimento educacional "
        "especializado (AEE) e de atividade complementar têm frequência, no relatório de "
        "frequência da turma."
    )


def test_export_has_all_enrolments_and_the_kinds_of_classes(admin, support_class):
    enrolments = run_report(
        admin, "data_export", table="enrolments", class_id=support_class.pk
    )
    classes = run_report(admin, "data_export", table="classes", year=2025)

    assert enrolments.result["rows"] == 1
    assert {row["name"]: row["kind"] for row in read_rows(classes)} == {
        "3º A": "regular",
        "AEE tarde": "aee",
    }


def test_kind_of_class_in_a_closed_year_stays(regular_class):
    regular_class.year.is_closed = True
    regular_class.year.save()
    school_class = regular_class.school_class
    school_class.kind = "complementary"

    with pytest.raises(ValidationError, match="2025"):
        school_class.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        school_class.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        SchoolClass.objects.filter(pk=school_class.pk).update(kind="aee")


def test_moved_student_has_one_truth_for_all_who_see_the_last_enrolment(
    admin, secretary, stranger, guardian
):
    """Half a year of 9.0 with 49 absences, then half a year of 4.0 elsewhere."""
    old_class = SampleClass("Turma A", subjects=(PORTUGUESE,))
    new_class = SampleClass("Turma B", school=2, subjects=(PORTUGUESE,))
    set_rules(old_class.year, year_days=120, minimum_attendance="75")
    for school_class in (old_class, new_class):
        school_class.add_sessions(*range(120))
    before = old_class.enrol("Nina", exit_date=school_day(60), ending="transferred")
    old_class.add_grades(before, PORTUGUESE, 90, 90)
    old_class.add_absences(before, *range(49))
    after = new_class.enrol(before.student, entry_date=school_day(60))
    new_class.add_grades(after, PORTUGUESE, "-", "-", 40, 40)
    guardian.attachments.create(student=before.student)

    def result(viewer, **parameters):
        (row,) = read_rows(run_report(viewer, "report_card", **parameters))
        return row["mean"], row["attendance"], row["situation"]

    of_student = {"student_id": before.student_id, "year": 2025}
    for viewer in (admin, stranger, guardian):
        assert result(viewer, **of_student) == ("6.50", "59.2", "failed_by_attendance")
    assert result(secretary, **of_student) == ("9.00", "18.3", "transferred")
    (line,) = read_rows(run_report(stranger, "final_results", class_id=new_class.pk))
    assert line["attendance"] == "59.2"
    listed = run_report(
        stranger, "attendance_summary", class_id=new_class.pk, list="below_minimum"
    )
    assert [row["absences"] for row in read_rows(listed)] == [49]
    assert run_report(stranger, "transcript", **of_student).scope == {
        "role": "staff",
        "ids": [2],
        "other_schools": [1],
    }
