"""School years with days in two calendar years, in every kind and list."""

from datetime import date, timedelta

import pytest

from school.models import Subject
from tasks.reporting import registry
from tests.support.school_factory import NetworkFactory, create_level, create_user
from tests.support.task_factories import read_rows, run_task
from tests.tasks.reports.figures.expected import FIGURE_KINDS
from tests.tasks.reports.figures.report_rows import build_rows

pytestmark = pytest.mark.django_db

FIRST_WINDOWS = ["feb_mar", "apr_may", "jun_jul", "aug_sep", "oct_nov"]


def weekdays(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5]


class NewYearClass:
    """A class with lessons on each weekday of its year, and its administrator."""

    def __init__(self, year: int, first: date, last: date, **fields):
        self.factory = NetworkFactory()
        self.days = weekdays(first, last)
        self.year = self.factory.create_year(year, self.days, **fields)
        self.factory.create_rules(self.year, terms=self.year.terms.count())
        self.school_class = self.factory.create_class(
            self.factory.create_school("Escola"), self.year, "EJA",
            [create_level("Nível")], Subject.objects.filter(pk=1), self.days,
        )  # fmt: skip
        self.admin = create_user("administrator", network=[self.factory.network])

    def enrol(self, name: str, born: date, missed: list[date]):
        student = self.factory.create_student(name, birth_date=born)
        enrolment = self.school_class.enrol(student)
        self.school_class.add_grades(enrolment, 1, *[70] * self.year.terms.count())
        self.school_class.add_absences(enrolment, *map(self.days.index, missed))
        return enrolment

    def attendance(self, **parameters):
        return build_rows(self.admin, "attendance_summary", parameters)


@pytest.fixture
def second_semester(network):
    """Class of 2025.2 of the EJA, which ends in February 2026."""
    return NewYearClass(2025, date(2025, 9, 15), date(2026, 2, 20), terms=2, period="2")


def test_february_after_new_year_is_a_window_of_the_second_semester(second_semester):
    february = [day for day in second_semester.days if day >= date(2026, 2, 1)]
    second_semester.enrol("Caio", date(2009, 5, 5), february[:12])

    (row,) = second_semester.attendance(year=2025, list="benefit")

    assert {name: row[f"attendance_{name}"] for name in FIRST_WINDOWS} == {
        "feb_mar": "20.0",  # 3 of 15
        "apr_may": None,
        "jun_jul": None,
        "aug_sep": "100.0",
        "oct_nov": "100.0",
    }
    assert row["benefit_below"] == "feb_mar"
    assert "attendance_feb_mar_next" not in row


@pytest.mark.parametrize(
    ("born", "below"),
    [
        (date(2008, 2, 1), None),  # eighteen on the first day of the window
        (date(2008, 2, 2), "feb_mar"),  # eighteen the day after
        (date(2007, 2, 2), None),  # would be seventeen on 1 February 2025
    ],
)
def test_age_is_that_on_the_first_day_of_the_window_itself(
    second_semester, born, below
):
    february = [day for day in second_semester.days if day >= date(2026, 2, 1)]
    second_semester.enrol("Caio", born, february)

    (row,) = second_semester.attendance(year=2025)

    assert row["benefit_below"] == below


def test_window_that_comes_twice_has_a_column_for_each(network):
    moved = NewYearClass(2025, date(2025, 2, 10), date(2026, 2, 20))
    februaries = [day for day in moved.days if day.month == 2]
    moved.enrol("Bia", date(2014, 5, 5), [d for d in februaries if d.year == 2026])
    moved.enrol("Davi", date(2014, 5, 5), [d for d in moved.days if d.month in (2, 3) and d.year == 2025])  # fmt: skip

    bia, davi = moved.attendance(year=2026)

    windows = ("attendance_feb_mar", "attendance_feb_mar_next", "benefit_below")
    assert [bia[name] for name in windows] == ["100.0", "0.0", "feb_mar_next"]
    assert [davi[name] for name in windows] == ["0.0", "100.0", "feb_mar"]


def test_column_of_later_window_names_its_calendar_year(network):
    moved = NewYearClass(2025, date(2025, 2, 10), date(2026, 2, 20))
    moved.enrol("Bia", date(2014, 5, 5), [])
    report_class = registry.get_report_class("attendance_summary")
    report = report_class.build(report_class.select(moved.admin, {"year": 2025}))

    titles = {column.name: str(column.title) for column in report.columns()}
    labels = {column.name: column.labels for column in report.columns()}

    assert titles["attendance_feb_mar"] == "Fevereiro e março"
    assert titles["attendance_feb_mar_next"] == "Fevereiro e março (2026)"
    assert labels["benefit_below"]["feb_mar_next"] == "Fevereiro e março (2026)"


def test_years_with_different_windows_share_a_table(network):
    moved = NewYearClass(2025, date(2025, 2, 10), date(2026, 2, 20))
    moved.enrol("Bia", date(2014, 5, 5), [])
    following = moved.factory.create_year(
        2026, weekdays(date(2026, 3, 2), date(2026, 12, 18))
    )
    days = weekdays(date(2026, 3, 2), date(2026, 12, 18))
    school_class = moved.factory.create_class(
        moved.school_class.school_class.school, following, "Z",
        moved.school_class.levels, [], days,
    )  # fmt: skip
    school_class.enrol("Zoé")

    rows = moved.attendance(year=2026)

    assert [(row["year"], row["attendance_feb_mar_next"]) for row in rows] == [
        ("2025", "100.0"),
        ("2026", None),
    ]


@pytest.mark.parametrize("kind", FIGURE_KINDS)
@pytest.mark.parametrize(("year", "is_found"), [(2024, 0), (2025, 1), (2026, 1), (2027, 0)])  # fmt: skip
def test_every_kind_finds_the_year_by_both_calendar_years(
    second_semester, kind, year, is_found
):
    # So many absences that the student is at risk, too.
    second_semester.enrol("Caio", date(2009, 5, 5), second_semester.days[:60])
    parameters = {"year": year}
    if kind == "data_export":
        parameters["table"] = "grades"

    rows = read_rows(run_task(second_semester.admin, parameters, kind=kind))

    assert bool(rows) is bool(is_found)
