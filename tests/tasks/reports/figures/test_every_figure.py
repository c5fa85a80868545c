from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.models import User
from tasks.errors import InvalidRequest
from tasks.reporting import registry
from tests.support.task_factories import asked
from tests.tasks.reports.figures.builder import Builder, lesson_days
from tests.tasks.reports.figures.edge_cases import Awkward
from tests.tasks.reports.figures.oracle import KINDS, expected, expected_left_out
from tests.tasks.reports.figures.oracle.visibility import all_enrolments, seen_by
from tests.tasks.reports.figures.report_rows import (
    made_rows,
    plain_rows,
    report_for,
    without_texts,
)

pytestmark = pytest.mark.django_db

IN_SHORT = {"transcript", "class_performance"}
"""The kinds whose SQL differs most; `test_chance` has all kinds on both databases."""
EACH_KIND = [
    kind
    if kind in IN_SHORT
    else pytest.param(kind, marks=pytest.mark.deep_on_postgresql("as `IN_SHORT`"))
    for kind in KINDS
]
VIEWERS = ["administrator", "staff_a", "staff_b", "teacher", "guardian", "stranger"]
MOVERS = ["Móvel Para Outra Escola", "Três Turmas", "Foi E Voltou", "Ávila"]
LISTS = ["below_minimum", "council", "benefit"]


def wishes(world: Awkward, kind: str, viewer: User) -> list[dict[str, object]]:
    """Whatever the viewer may name in a request: years, schools, classes, students."""
    seen = seen_by(viewer, all_enrolments())
    classes = {e.school_class_id for e in seen}
    schools = {e.school_class.school_id for e in seen}
    movers = {world.students[name].pk for name in MOVERS} & {e.student_id for e in seen}
    many = [{"year": 2026}, {"year": 2025}, {"year": 1999}]
    many += [{"class_id": pk} for pk in sorted(classes)]
    many += [{"school_id": pk, "year": 2026} for pk in sorted(schools)]
    if kind == "class_performance":
        return [*many, {}, {"year": 2026, "term": 1}, {"year": 2026, "term": 5}]
    if kind == "attendance_summary":
        many += [{"year": 2026, "list": name} for name in LISTS]
    if kind == "transcript":
        many += [{"student_id": pk} for pk in sorted(movers)]
    return many + [{"student_id": pk, "year": 2026} for pk in sorted(movers)]


def test_kinds_are_those_that_are_reckoned():
    ours = {
        kind
        for kind, report in registry.report_classes().items()
        if report.__module__.startswith("tasks.reports.")
    }

    # An export has the records themselves: `tests/api/access_matrix` compares them one by one.
    assert ours == {*KINDS, "data_export"}


@pytest.mark.parametrize("kind", EACH_KIND)
def test_every_figure_is_as_reckoned(world, reckoned, kind):
    audience = registry.get_report_class(kind).allowed_roles
    for name in VIEWERS:
        viewer = world.viewers[name]
        for given in wishes(world, kind, viewer) if viewer.role in audience else []:
            if given.keys() <= {"year"}:
                rows, _ = made_rows(viewer, kind, given)
            else:  # the same way but for the task, of which this is no matter
                rows = plain_rows(viewer, kind, given)

            wanted = expected(kind, viewer, given, reckoned)
            assert without_texts(kind, rows) == wanted, (name, given)


# Final results tell of each enrolment, so what one row leaves out another may show.
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"final_results"}))
def test_every_record_left_out_is_counted_once(world, reckoned, kind):
    for name in ("administrator", "staff_b"):
        viewer = world.viewers[name]
        _, left_out = made_rows(viewer, kind, {"year": 2026})

        wanted = expected_left_out(kind, viewer, {"year": 2026}, reckoned)
        assert left_out == wanted, name


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_others_cannot_be_asked_for(world, kind):
    stranger = world.viewers["stranger"]
    others = {
        "class_id": world.classes["a_main"].pk,
        "school_id": world.schools["a"].pk,
        "student_id": world.students["Ávila"].pk,
    }
    known = registry.get_report_class(kind).parameters_model().model_fields
    for name in others.keys() & known.keys():
        with pytest.raises(InvalidRequest, match=f"/parameters/{name}"):
            asked(stranger, {name: others[name], "year": 2026}, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_viewer_sees_nobody_else(world, kind):
    for name in VIEWERS:
        viewer = world.viewers[name]
        if viewer.role not in registry.get_report_class(kind).allowed_roles:
            continue
        seen = seen_by(viewer, all_enrolments())
        rows, _ = made_rows(viewer, kind, {"year": 2026})

        assert {row.get("registration") for row in rows} <= {
            None, *(e.student.registration for e in seen),
        }  # fmt: skip
        if kind != "transcript":
            assert {(row["school"], row["class"]) for row in rows} <= {
                (e.school_class.school.name, e.school_class.name) for e in seen
            }


@pytest.mark.parametrize("kind", KINDS)
def test_rows_do_not_depend_on_how_many_are_read_at_once(world, kind, monkeypatch):
    viewer = world.viewers["administrator"]
    at_once = plain_rows(viewer, kind, {"year": 2026})

    monkeypatch.setattr("school.records.enrolment_record.BATCH_SIZE", 7)

    assert plain_rows(viewer, kind, {"year": 2026}) == at_once


def test_windows_are_of_the_calendar_year_alone(db):
    b = Builder("Rede Da Greve")
    days = [date(2026, 2, 9), date(2026, 2, 10), date(2027, 2, 8), date(2027, 2, 9)]
    year = b.year(2026, days, terms=1)
    made_up = b.school_class(b.school("Um"), year, "1", [b.level("N")], [], days)
    b.absent(b.enrol(b.student("Alguém"), made_up), [1, 2, 3])
    b.save()
    viewer = b.user("administrator", network=[b.network])

    (row,) = plain_rows(viewer, "attendance_summary", {"year": 2026})

    assert (row["days"], row["absences"], row["attendance_feb_mar"]) == (4, 3, "50.0")
    assert [row] == [
        {**row, **expected("attendance_summary", viewer, {"year": 2026})[0]}
    ]


def test_grade_of_a_term_without_dates_is_not_taken_for_late(db):
    b = Builder("Rede Sem Datas")
    days = lesson_days(date(2026, 2, 9), 8)
    year = b.year(2026, days, terms=2)
    b.rule(year, {"terms": 3, "pass_mark": "6.0"})
    subjects = [b.subject("Arte", 1)]
    left = b.school_class(b.school("Um"), year, "1", [b.level("N")], subjects, days)
    b.marks(b.enrol(b.student("Alguém"), left, exit_date=days[2]), "60 61 62")
    b.save()
    viewer = b.user("administrator", network=[b.network])

    (row,) = plain_rows(viewer, "report_card", {"year": 2026})

    assert [row["term_1"], row["term_2"], row["term_3"]] == ["6.0", None, "6.2"]


@pytest.mark.one_database(
    "the queries are the same, and SQLite takes fewer values in each"
)
@pytest.mark.parametrize("kind", KINDS)
def test_queries_do_not_depend_on_the_number_of_pupils(db, kind):
    def queries(pupils: int) -> tuple[int, int]:
        viewer = _school_of(pupils)
        report = report_for(viewer, kind, {"year": 2026})
        with CaptureQueriesContext(connection) as captured:
            report.columns()
            rows = list(report.rows())
        return len(captured), len(rows)

    few, more, most = queries(1), queries(3), queries(300)

    assert few[0] == more[0] == most[0]
    assert 0 < few[1] <= more[1] < most[1] or kind == "class_performance"


def _school_of(pupils: int) -> User:
    """Each pupil has moved once, is failing, was absent and had an exam."""
    b = Builder("Rede Das Contas")
    days = lesson_days(date(2026, 2, 9), 12)
    year = b.year(2026, days)
    level, subjects = b.level("Nível"), [b.subject("Arte", 1), b.subject("Música", 2)]
    b.rule(year, {"terms": 4, "pass_mark": "6.0", "recovery_rule": "weighted"})
    one, two = (
        b.school_class(b.school(name), year, name, [level], subjects, days)
        for name in ("Um", "Dois")
    )
    for number in range(pupils):
        student = b.student(f"Pessoa {number}")
        first = b.enrol(student, one, exit_date=days[4], ending="transferred")
        then = b.enrol(student, two, entry_date=days[4])
        b.marks(first, "50")
        b.marks(then, "- 50 50 50")
        b.exams(then, art=20)
        b.absent(then, range(3, 11))
    b.save()
    return b.user("administrator", network=[b.network])
