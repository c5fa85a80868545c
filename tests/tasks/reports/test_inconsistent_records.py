"""One student's records cannot be right: the class has its report all the same."""

import datetime

import pytest

from school.models import Absence, Enrolment, Grade, PriorYear
from tasks.reporting import registry
from tests.support.class_factory import (
    MATHEMATICS,
    PORTUGUESE,
    Classroom,
    day,
    judge,
    student,
)
from tests.support.task_factories import made, rows_of

pytestmark = pytest.mark.django_db

KINDS = [
    kind
    for kind, report in registry.report_classes().items()
    if report.__module__.startswith("tasks.reports.")
]
WITH_STUDENTS = [kind for kind in KINDS if kind != "class_performance"]
LONG = "Maria " + "d" * 107 + " Souza"
FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def room(network):
    """Level 2 has no rules; of the twenty days of lessons each term has five."""
    room = Classroom()
    judge(room.year, level=1, year_days=20, recovery_rule="weighted")
    room.hold(*range(20))
    return room


@pytest.fixture
def odd(room):
    """Every oddity at once, and Zoé, of whom nothing is odd."""
    beyond = room.enrol("Ana")
    room.grade(beyond, PORTUGUESE, 70, 70, 70, 70, 10, 10, 10)
    early = room.enrol("Bia", entry_date=day(10))
    room.absent(early, 0, 1, 12)
    unjudged = room.enrol("Caio", grade_level_id=2)
    room.grade(unjudged, PORTUGUESE, 70)
    room.enrol(student(LONG, social_name=LONG[::-1]))
    room.enrol(student(FORMULA, registration="-1+1", parents="@SUM(A1)"))
    room.enrol(student("Davi", birth_date=datetime.date(2031, 1, 1)))
    room.enrol(student("Eva", birth_date=datetime.date(1, 1, 1)))
    twice = room.enrol("Fábio", exit_date=day(15))
    room.enrol(twice.student, entry_date=day(5), exit_date=day(18))
    other = Classroom("Turma B", subjects=(6,))
    other.enrol(twice.student, entry_date=day(2))
    before = room.enrol("Gil", exit_date=day(5), ending="class_change")
    room.grade(before, MATHEMATICS, 90, 90)
    other.enrol(before.student, entry_date=day(5))
    last = room.enrol("Zoé")
    for subject in (PORTUGUESE, MATHEMATICS):
        room.grade(last, subject, 60, 70, 80, 90)
    room.absent(last, 3)
    return room


def report(viewer, room, kind, **options):
    more = {"table": "enrolments"} if kind == "data_export" else {}
    task = made(viewer, {"class_id": room.pk, **more}, kind=kind, **options)
    assert task.state == "succeeded", task.error
    return task


@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize("format", ["json", "csv"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_made_of_them(admin, odd, kind, format, language):
    task = report(admin, odd, kind, format=format, language=language)

    assert task.result["rows"] == len(rows_of(task)) > 0


@pytest.mark.guarantee(
    "A student with odd records changes no figure of another student."
)
@pytest.mark.parametrize("kind", WITH_STUDENTS)
def test_others_figures_are_as_if_the_odd_ones_were_not_there(admin, odd, kind):
    def of_zoe():
        return [
            {**row, "number": None}
            for row in rows_of(report(admin, odd, kind))
            if row["student"] == "Zoé"
        ]

    among_them = of_zoe()
    others = Enrolment.objects.filter(school_class=odd.pk).exclude(student__name="Zoé")
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
def test_what_was_left_out_is_said_and_why(admin, odd, kind, skipped):
    said = report(admin, odd, kind).result["skipped"]

    assert {one["code"]: one["count"] for one in said["reasons"]} == skipped
    assert said["total"] == sum(skipped.values())
    assert all(" " in one["detail"] for one in said["reasons"])


@pytest.mark.parametrize("kind", [k for k in WITH_STUDENTS if k != "at_risk_students"])
def test_name_that_is_a_formula_is_a_text_in_csv_and_itself_in_json(admin, odd, kind):
    def names(format):
        rows = rows_of(report(admin, odd, kind, format=format))
        return {(row["student"], row["registration"]) for row in rows}

    assert (FORMULA, "-1+1") in names("json")
    assert (f"'{FORMULA}", "'-1+1") in names("csv")
    assert (FORMULA, "-1+1") not in names("csv")


def test_names_are_shown_whole(admin, odd):
    called = {row["student"] for row in rows_of(report(admin, odd, "report_card"))}
    papers = {
        (row["student"], row["social_name"])
        for row in rows_of(report(admin, odd, "transcript"))
    }

    assert len(LONG) == 119
    assert LONG[::-1] in called
    assert (LONG, LONG[::-1]) in papers


def test_birth_date_that_cannot_be_has_no_minimum_of_the_benefit(admin, odd):
    rows = rows_of(report(admin, odd, "attendance_summary"))

    below = {row["student"]: row["benefit_below"] for row in rows}
    assert below["Davi"] is below["Eva"] is None


def test_overlapping_enrolments_are_years_of_their_own(admin, odd):
    rows = rows_of(report(admin, odd, "final_results"))

    assert [row["situation"] for row in rows if row["student"] == "Fábio"] == [
        "left",
        "left",
    ]
    days = rows_of(report(admin, odd, "attendance_summary"))
    assert [row["days"] for row in days if row["student"] == "Fábio"] == [15, 13]


def test_prior_year_of_the_future_is_no_trouble(admin, odd):
    one = odd.record.enrolments.get(student__name="Zoé").student
    PriorYear.objects.create(
        student=one, year=2999, grade_level="?", school="?" * 120, result="?"
    )

    last = rows_of(report(admin, odd, "transcript"))[-1]

    assert (last["student"], last["year"]) == ("Zoé", "2999")


def test_rules_of_more_terms_than_the_calendar_are_the_year_s(admin, network):
    room = Classroom()
    judge(room.year, terms=6)
    one = room.enrol("Ana")
    room.grade(one, PORTUGUESE, 70, 70, 70, 70, 70, 70)

    row, _blank = rows_of(report(admin, room, "report_card"))

    assert (row["term_6"], row["mean"], row["result"]) == ("7.0", "7.00", "passed")
