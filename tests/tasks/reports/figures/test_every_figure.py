from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.models import User
from tasks.errors import InvalidRequest
from tasks.reporting import registry
from tests.support.task_factories import queue_task
from tests.tasks.reports.figures.builder import NetworkBuilder, lesson_days
from tests.tasks.reports.figures.edge_cases import EdgeCaseNetwork
from tests.tasks.reports.figures.oracle import KINDS, expected_rows, expected_skipped
from tests.tasks.reports.figures.oracle.visibility import all_enrolments, visible_to
from tests.tasks.reports.figures.report_rows import (
    build_report,
    build_rows,
    drop_free_text,
    run_report,
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
VIEWER_NAMES = [
    "administrator",
    "staff_a",
    "staff_b",
    "teacher",
    "guardian",
    "stranger",
]
MOVERS = ["Móvel Para Outra Escola", "Três Turmas", "Foi E Voltou", "Ávila"]
LISTS = ["below_minimum", "council", "benefit"]


def possible_parameters(
    edge_network: EdgeCaseNetwork, kind: str, viewer: User
) -> list[dict[str, object]]:
    """Whatever the viewer may name in a request: years, schools, classes, students."""
    visible = visible_to(viewer, all_enrolments())
    classes = {e.school_class_id for e in visible}
    schools = {e.school_class.school_id for e in visible}
    movers = {edge_network.students[name].pk for name in MOVERS} & {
        e.student_id for e in visible
    }
    combinations = [{"year": 2026}, {"year": 2025}, {"year": 1999}]
    combinations += [{"class_id": pk} for pk in sorted(classes)]
    combinations += [{"school_id": pk, "year": 2026} for pk in sorted(schools)]
    if kind == "class_performance":
        return [*combinations, {}, {"year": 2026, "term": 1}, {"year": 2026, "term": 5}]
    if kind == "attendance_summary":
        combinations += [{"year": 2026, "list": name} for name in LISTS]
    if kind == "transcript":
        combinations += [{"student_id": pk} for pk in sorted(movers)]
    return combinations + [{"student_id": pk, "year": 2026} for pk in sorted(movers)]


def test_kinds_are_those_that_are_reckoned():
    ours = {
        kind
        for kind, report in registry.report_classes().items()
        if report.__module__.startswith("tasks.reports.")
    }

    # An export has the records themselves: `tests/api/access_matrix` compares them one by one.
    assert ours == {*KINDS, "data_export"}


@pytest.mark.parametrize("kind", EACH_KIND)
def test_every_figure_is_as_reckoned(edge_network, dataset, kind):
    audience = registry.get_report_class(kind).allowed_roles
    for name in VIEWER_NAMES:
        viewer = edge_network.viewers[name]
        for given in (
            possible_parameters(edge_network, kind, viewer)
            if viewer.role in audience
            else []
        ):
            if given.keys() <= {"year"}:
                rows, _ = run_report(viewer, kind, given)
            else:  # the same way but for the task, of which this is no matter
                rows = build_rows(viewer, kind, given)

            wanted = expected_rows(kind, viewer, given, dataset)
            assert drop_free_text(kind, rows) == wanted, (name, given)


# Final results tell of each enrolment, so what one row leaves out another may show.
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"final_results"}))
def test_every_record_left_out_is_counted_once(edge_network, dataset, kind):
    for name in ("administrator", "staff_b"):
        viewer = edge_network.viewers[name]
        _, left_out = run_report(viewer, kind, {"year": 2026})

        wanted = expected_skipped(kind, viewer, {"year": 2026}, dataset)
        assert left_out == wanted, name


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_others_cannot_be_asked_for(edge_network, kind):
    stranger = edge_network.viewers["stranger"]
    others = {
        "class_id": edge_network.classes["a_main"].pk,
        "school_id": edge_network.schools["a"].pk,
        "student_id": edge_network.students["Ávila"].pk,
    }
    known = registry.get_report_class(kind).parameters_model().model_fields
    for name in others.keys() & known.keys():
        with pytest.raises(InvalidRequest, match=f"/parameters/{name}"):
            queue_task(stranger, {name: others[name], "year": 2026}, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_viewer_sees_nobody_else(edge_network, kind):
    for name in VIEWER_NAMES:
        viewer = edge_network.viewers[name]
        if viewer.role not in registry.get_report_class(kind).allowed_roles:
            continue
        seen = visible_to(viewer, all_enrolments())
        rows, _ = run_report(viewer, kind, {"year": 2026})

        assert {row.get("registration") for row in rows} <= {
            None, *(e.student.registration for e in seen),
        }  # fmt: skip
        if kind != "transcript":
            assert {(row["school"], row["class"]) for row in rows} <= {
                (e.school_class.school.name, e.school_class.name) for e in seen
            }


@pytest.mark.parametrize("kind", KINDS)
def test_rows_do_not_depend_on_how_many_are_read_at_once(
    edge_network, kind, monkeypatch
):
    viewer = edge_network.viewers["administrator"]
    at_once = build_rows(viewer, kind, {"year": 2026})

    monkeypatch.setattr("school.records.enrolment_record.CHUNK_SIZE", 7)

    assert build_rows(viewer, kind, {"year": 2026}) == at_once


def test_windows_are_of_the_calendar_year_alone(db):
    b = NetworkBuilder("Rede Da Greve")
    days = [date(2026, 2, 9), date(2026, 2, 10), date(2027, 2, 8), date(2027, 2, 9)]
    year = b.add_year(2026, days, terms=1)
    made_up = b.add_class(b.add_school("Um"), year, "1", [b.add_level("N")], [], days)
    b.add_absences(b.enrol(b.add_student("Alguém"), made_up), [1, 2, 3])
    b.save()
    viewer = b.add_user("administrator", network=[b.network])

    (row,) = build_rows(viewer, "attendance_summary", {"year": 2026})

    assert (row["days"], row["absences"], row["attendance_feb_mar"]) == (4, 3, "50.0")
    assert [row] == [
        {**row, **expected_rows("attendance_summary", viewer, {"year": 2026})[0]}
    ]


def test_grade_of_a_term_without_dates_is_not_taken_for_late(db):
    b = NetworkBuilder("Rede Sem Datas")
    days = lesson_days(date(2026, 2, 9), 8)
    year = b.add_year(2026, days, terms=2)
    b.add_rules(year, {"terms": 3, "pass_mark": "6.0"})
    subjects = [b.add_subject("Arte", 1)]
    left = b.add_class(
        b.add_school("Um"), year, "1", [b.add_level("N")], subjects, days
    )
    b.add_grades(b.enrol(b.add_student("Alguém"), left, exit_date=days[2]), "60 61 62")
    b.save()
    viewer = b.add_user("administrator", network=[b.network])

    (row,) = build_rows(viewer, "report_card", {"year": 2026})

    assert [row["term_1"], row["term_2"], row["term_3"]] == ["6.0", None, "6.2"]


@pytest.mark.one_database(
    "the queries are the same, and SQLite takes fewer values in each"
)
@pytest.mark.parametrize("kind", KINDS)
def test_queries_do_not_depend_on_the_number_of_pupils(db, kind):
    def queries(pupils: int) -> tuple[int, int]:
        viewer = _create_school_with(pupils)
        report = build_report(viewer, kind, {"year": 2026})
        with CaptureQueriesContext(connection) as captured:
            report.columns()
            rows = list(report.rows())
        return len(captured), len(rows)

    few, more, most = queries(1), queries(3), queries(300)

    assert few[0] == more[0] == most[0]
    assert 0 < few[1] <= more[1] < most[1] or kind == "class_performance"


def _create_school_with(pupils: int) -> User:
    """Each pupil has moved once, is failing, was absent and had an exam."""
    b = NetworkBuilder("Rede Das Contas")
    days = lesson_days(date(2026, 2, 9), 12)
    year = b.add_year(2026, days)
    level, subjects = (
        b.add_level("Nível"),
        [b.add_subject("Arte", 1), b.add_subject("Música", 2)],
    )
    b.add_rules(year, {"terms": 4, "pass_mark": "6.0", "recovery_rule": "weighted"})
    old_class, new_class = (
        b.add_class(b.add_school(name), year, name, [level], subjects, days)
        for name in ("Um", "Dois")
    )
    for number in range(pupils):
        student = b.add_student(f"Pessoa {number}")
        old_enrolment = b.enrol(
            student, old_class, exit_date=days[4], ending="transferred"
        )
        new_enrolment = b.enrol(student, new_class, entry_date=days[4])
        b.add_grades(old_enrolment, "50")
        b.add_grades(new_enrolment, "- 50 50 50")
        b.add_exams(new_enrolment, art=20)
        b.add_absences(new_enrolment, range(3, 11))
    b.save()
    return b.add_user("administrator", network=[b.network])
