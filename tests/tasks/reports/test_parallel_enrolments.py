"""Reports on students with several enrolments at once, some of which nobody ended."""

import pytest

from tests.support.school_factory import (
    PORTUGUESE,
    SampleClass,
    create_user,
    school_day,
    set_rules,
)
from tests.support.task_factories import read_rows, run_task

pytestmark = pytest.mark.django_db

DAY_COUNT, MIDDLE = 20, 10


def create_class(name, *, subjects=(PORTUGUESE,), school=1, days=range(DAY_COUNT)):
    school_class = SampleClass(name, school=school, subjects=subjects)
    school_class.add_sessions(*days)
    return school_class


@pytest.fixture
def old_class(network):
    """Class of a student who has moved on, and whose enrolment nobody has ended."""
    old_class = create_class("3º A")
    set_rules(old_class.year, year_days=DAY_COUNT)
    return old_class


@pytest.fixture
def forgotten(old_class):
    enrolment = old_class.enrol("Rita")
    old_class.add_grades(enrolment, PORTUGUESE, 50, 50)
    return enrolment


def move(school_class, enrolment, **fields):
    return school_class.enrol(
        enrolment.student, entry_date=school_day(MIDDLE), **fields
    )


def read_reports(viewer, kind, **parameters):
    return read_rows(run_task(viewer, {"year": 2025, **parameters}, kind=kind))


def close_year(school_class):
    school_class.year.is_closed = True
    school_class.year.save()


@pytest.mark.parametrize("school", [1, 2])
def test_forgotten_enrolment_hides_no_absence_of_the_new_class(
    admin, old_class, forgotten, school
):
    new_class = create_class("3º B", school=school)
    current = move(new_class, forgotten)
    new_class.add_absences(current, *range(12, 18), justified=[12])

    (row,) = read_reports(admin, "attendance_summary")
    assert (row["class"], row["days"], row["absences"], row["justified"]) == (
        "3º B", DAY_COUNT, 6, 1,
    )  # fmt: skip
    (card,) = read_reports(admin, "report_card")
    assert (card["absences"], card["absences_3"], card["absences_4"]) == (6, 3, 3)
    (listed,) = read_reports(admin, "attendance_summary", list="council")
    assert listed["class"] == "3º B"


def test_old_class_that_goes_on_calling_the_student_adds_no_absence(
    admin, old_class, forgotten
):
    old_class.add_absences(forgotten, 3, *range(MIDDLE, DAY_COUNT))
    move(create_class("3º B"), forgotten)

    (row,) = read_reports(admin, "attendance_summary")

    assert (row["days"], row["absences"]) == (DAY_COUNT, 1)


def test_unmarked_support_hides_no_absence_and_is_not_the_class(admin, old_class):
    enrolment = old_class.enrol("Caio")
    old_class.add_grades(enrolment, PORTUGUESE, 70, 70, 70, 70)
    old_class.add_absences(enrolment, 0, 1)
    support = create_class("AEE", subjects=(), days=range(0, DAY_COUNT, 2))
    support.add_absences(support.enrol(enrolment.student), 2, 4)
    close_year(old_class)

    for kind in ("report_card", "attendance_summary"):
        (row,) = read_reports(admin, kind)
        assert (row["class"], row["absences"]) == ("AEE", 2), kind
    (card,) = read_reports(admin, "report_card")
    assert card["reasons"].endswith(
        "Veio a 18 dos 20 dias de aula (90 %; o mínimo é 75 %)."
    )


def test_death_ends_an_enrolment_that_nobody_ended(
    admin, secretary, old_class, forgotten
):
    old_class.add_absences(forgotten, *range(4))
    move(
        create_class("3º B"),
        forgotten,
        exit_date=school_day(15),
        ending="deceased",
    )
    guardian = create_user("guardian", student=[forgotten.student])

    for viewer in (admin, secretary, guardian):
        (card,) = read_reports(viewer, "report_card")
        assert (card["class"], card["situation"]) == ("3º B", "deceased")
        assert (card["needed"], card["saving"]) == (None, None)
    for parameters in ({"list": "council"}, {"list": "below_minimum"}):
        assert read_reports(admin, "attendance_summary", **parameters) == []
    assert read_reports(admin, "at_risk_students") == []


def test_lists_have_a_student_once_who_was_reclassified_without_an_exit(
    admin, old_class, forgotten
):
    old_class.add_absences(forgotten, *range(4))
    next_class = create_class("4º A")
    move(next_class, forgotten, grade_level_id=2)

    for kind, parameters in (
        ("attendance_summary", {"list": "council"}),
        ("at_risk_students", {}),
    ):
        task = run_task(admin, {"year": 2025, **parameters}, kind=kind)
        (row,) = read_rows(task)
        assert (row["class"], row["absences"]) == ("4º A", 4)
        (reason,) = task.result["skipped"]["reasons"]
        assert (reason["code"], reason["count"]) == ("left", 1)
