"""Papers of years that are over: for one student, or for a whole class."""

from datetime import date, timedelta

import pytest

from tests.support.school_factory import MATHEMATICS, SampleClass, school_day, set_rules
from tests.support.task_factories import read_rows, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "tests/school/records/test_calendar.py and tests/tasks/reports/figures test both"
    ),
]

LAST_TERM_ENDS = school_day(19)
AFTER_THE_LESSONS = [LAST_TERM_ENDS + timedelta(days=1), date(2026, 1, 15)]


@pytest.fixture
def sample_class(network):
    """Class with one subject and twenty lesson days of four terms."""
    sample_class = SampleClass(subjects=(MATHEMATICS,))
    set_rules(sample_class.year, recovery_rule="weighted", year_days=20)
    sample_class.add_sessions(*range(20))
    return sample_class


def enrol(sample_class, *grades, missed=0, **fields):
    enrolment = sample_class.enrol("Ana", **fields)
    sample_class.add_grades(enrolment, MATHEMATICS, *grades)
    sample_class.add_absences(enrolment, *range(missed))


def close(sample_class):
    sample_class.year.is_closed = True
    sample_class.year.save()


def read_row(viewer, sample_class, kind="report_card", **parameters):
    parameters["class_id"] = sample_class.pk
    rows = read_rows(run_task(viewer, parameters, kind=kind, language="en"))
    assert len(rows) <= 1
    return rows[0] if rows else None


@pytest.mark.parametrize("ending", ["transferred", "deceased", "abandoned"])
@pytest.mark.parametrize("exit_date", AFTER_THE_LESSONS)
@pytest.mark.parametrize("is_closed", [True, False])
def test_student_who_left_after_the_lessons_keeps_the_result(
    secretary, sample_class, exit_date, ending, is_closed
):
    enrol(sample_class, 60, 60, 60, 60, exit_date=exit_date, ending=ending)
    if is_closed:
        close(sample_class)

    assert read_row(secretary, sample_class)["situation"] == "approved"
    final_results = read_row(secretary, sample_class, "final_results")
    assert final_results["situation"] == "approved"
    attendance = read_row(secretary, sample_class, "attendance_summary")
    assert attendance["ending"] == ending


def test_student_who_left_before_the_last_day_has_the_reason(secretary, sample_class):
    enrol(sample_class, 60, 60, 60, 60, exit_date=LAST_TERM_ENDS, ending="transferred")

    assert read_row(secretary, sample_class)["situation"] == "transferred"


@pytest.mark.parametrize("grades", [(59, 59, 59, 59), (50, 50)])
@pytest.mark.parametrize(
    ("exit_date", "ending"),
    [
        (school_day(12), "transferred"),
        (school_day(12), "deceased"),
        (school_day(12), ""),
        (date(2026, 1, 15), "transferred"),
        (date(2026, 1, 15), "deceased"),
    ],
)
def test_student_who_left_is_told_no_needed_grade(
    secretary, sample_class, grades, exit_date, ending
):
    enrol(sample_class, *grades, exit_date=exit_date, ending=ending)

    row = read_row(secretary, sample_class)

    assert row["needed"] is None
    assert "need" not in row["explanation"]
    assert "remaining" not in row["explanation"]


@pytest.mark.parametrize("grades", [(59, 59, 59, 59), (50, 50), (100, 100)])
def test_closed_year_promises_nothing(secretary, sample_class, grades):
    enrol(sample_class, *grades, missed=6)

    open_row = read_row(secretary, sample_class)
    close(sample_class)
    closed_row = read_row(secretary, sample_class)

    assert open_row["needed"] is not None
    assert closed_row["needed"] is None
    text = closed_row["explanation"]
    assert "needs" not in text
    assert "remaining" not in text
    risk = read_row(secretary, sample_class, "at_risk_students")
    assert (risk["absences_left"], risk["saving"]) == (None, "")


def test_closed_year_is_reckoned_with_its_own_days(secretary, sample_class):
    sample_class.year.rules.all().delete()
    set_rules(sample_class.year, year_days=32)
    enrol(sample_class, 60, 60, 60, 60, missed=6)

    open_row = read_row(secretary, sample_class, "attendance_summary")
    close(sample_class)
    closed_row = read_row(secretary, sample_class, "attendance_summary")

    names = ("attendance", "planned", "absences_left", "below_minimum", "council_list")
    assert [open_row[name] for name in names] == ["70.0", 32, 2, True, True]
    assert [closed_row[name] for name in names] == ["70.0", 20, None, True, True]


def test_closed_year_lists_its_absentees_for_the_council(secretary, sample_class):
    sample_class.year.rules.all().delete()
    set_rules(sample_class.year, year_days=40)
    enrol(sample_class, 60, 60, 60, 60, missed=2)

    def is_listed():
        row = read_row(secretary, sample_class, "attendance_summary", list="council")
        return row is not None

    assert not is_listed()  # 2 of 40 days are 5 %
    close(sample_class)
    assert is_listed()  # 2 of 20 days are 10 %


@pytest.mark.parametrize(
    ("ending", "is_listed"),
    [("transferred", False), ("deceased", False), ("abandoned", True), ("", True)],
)
def test_student_who_moved_or_died_after_the_lessons_is_on_no_list(
    secretary, sample_class, ending, is_listed
):
    enrol(
        sample_class, 60, 60, 60, 60, missed=6,
        exit_date=date(2026, 1, 15), ending=ending,
    )  # fmt: skip

    for name in ("council", "below_minimum"):
        row = read_row(secretary, sample_class, "attendance_summary", list=name)
        assert (row is not None) is is_listed, name


@pytest.mark.parametrize(("year_days", "is_told"), [(20, False), (21, True)])
def test_closed_year_with_too_few_days_says_so(
    secretary, sample_class, year_days, is_told
):
    sample_class.year.rules.all().delete()
    set_rules(sample_class.year, year_days=year_days)
    enrol(sample_class, 60, 60, 60, 60)
    sentence = "The class had 20 of the 21 school days that the year must have (LDB, art. 24, I)."

    assert sentence not in read_row(secretary, sample_class)["reasons"]
    close(sample_class)
    for kind in ("report_card", "final_results"):
        assert (
            sentence in read_row(secretary, sample_class, kind)["reasons"]
        ) is is_told
