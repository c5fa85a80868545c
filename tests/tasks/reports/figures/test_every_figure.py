from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.models import User
from tasks.errors import InvalidRequest
from tasks.reporting import registry
from tests.support.oracle.visibility import all_enrolments, visible_to
from tests.support.school_factory import (
    NO_GRADE,
    NetworkFactory,
    create_level,
    create_subject,
    create_user,
)
from tests.support.task_factories import queue_task
from tests.tasks.reports.figures.edge_cases import EdgeCaseNetwork, lesson_days
from tests.tasks.reports.figures.expected import (
    EXPECTED,
    FIGURE_KINDS,
    expected_rows,
    expected_skipped,
)
from tests.tasks.reports.figures.expected.base import Objects
from tests.tasks.reports.figures.report_rows import (
    build_report,
    build_rows,
    run_report,
)

pytestmark = pytest.mark.django_db

EACH_KIND = [
    kind
    if EXPECTED[kind].has_own_sql
    else pytest.param(
        kind, marks=pytest.mark.deep_on_postgresql("see `ExpectedReport.has_own_sql`")
    )
    for kind in FIGURE_KINDS
]
"""Kinds with figures; `test_random_networks` has all of them on both databases."""
VIEWER_NAMES = [
    "administrator",
    "staff_a",
    "staff_b",
    "teacher",
    "guardian",
    "stranger",
]
MOVERS = ["Móvel Para Outra Escola", "Três Turmas", "Foi E Voltou", "Ávila"]


def possible_parameters(
    edge_network: EdgeCaseNetwork, kind: str, viewer: User
) -> list[dict[str, object]]:
    """Return parameters this viewer may use: years, schools, classes and students."""
    visible = visible_to(viewer, all_enrolments())
    classes = {e.school_class_id for e in visible}
    schools = {e.school_class.school_id for e in visible}
    movers = {edge_network.students[name].pk for name in MOVERS} & {
        e.student_id for e in visible
    }
    objects = Objects(sorted(classes), sorted(schools), sorted(movers))
    return EXPECTED[kind].cases(objects)


@pytest.mark.parametrize("kind", EACH_KIND)
def test_rows_match_oracle_for_every_viewer(edge_network, dataset, kind):
    allowed_roles = registry.get_report_class(kind).allowed_roles
    for name in VIEWER_NAMES:
        viewer = edge_network.viewers[name]
        for values in (
            possible_parameters(edge_network, kind, viewer)
            if viewer.role in allowed_roles
            else []
        ):
            if values.keys() <= {"year"}:
                rows, _ = run_report(viewer, kind, values)
            else:  # without a task, which makes no difference here
                rows = build_rows(viewer, kind, values)

            expected = expected_rows(kind, viewer, values, dataset)
            assert EXPECTED[kind].drop_texts(rows) == expected, (name, values)


@pytest.mark.parametrize(
    "kind", [kind for kind in FIGURE_KINDS if EXPECTED[kind].skipped]
)
def test_skipped_counts_match_oracle(edge_network, dataset, kind):
    for name in ("administrator", "staff_b"):
        viewer = edge_network.viewers[name]
        _, skipped = run_report(viewer, kind, {"year": 2026})

        expected = expected_skipped(kind, viewer, {"year": 2026}, dataset)
        assert skipped == expected, name


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_parameters_of_foreign_records_are_rejected(edge_network, kind):
    stranger = edge_network.viewers["stranger"]
    foreign_ids = {
        "class_id": edge_network.classes["a_main"].pk,
        "school_id": edge_network.schools["a"].pk,
        "student_id": edge_network.students["Ávila"].pk,
    }
    field_names = registry.get_report_class(kind).parameters_model().model_fields
    for name in foreign_ids.keys() & field_names.keys():
        with pytest.raises(InvalidRequest, match=f"/parameters/{name}"):
            queue_task(stranger, {name: foreign_ids[name], "year": 2026}, kind=kind)


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_rows_contain_only_visible_students(edge_network, kind):
    for name in VIEWER_NAMES:
        viewer = edge_network.viewers[name]
        if viewer.role not in registry.get_report_class(kind).allowed_roles:
            continue
        visible = visible_to(viewer, all_enrolments())
        rows, _ = run_report(viewer, kind, {"year": 2026})

        assert {row.get("registration") for row in rows} <= {
            None, *(e.student.registration for e in visible),
        }  # fmt: skip
        if EXPECTED[kind].has_class_column:
            assert {(row["school"], row["class"]) for row in rows} <= {
                (e.school_class.school.name, e.school_class.name) for e in visible
            }


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_rows_are_independent_of_chunk_size(edge_network, kind, monkeypatch):
    viewer = edge_network.viewers["administrator"]
    expected = build_rows(viewer, kind, {"year": 2026})

    monkeypatch.setattr("school.records.enrolment_record.CHUNK_SIZE", 7)

    assert build_rows(viewer, kind, {"year": 2026}) == expected


def test_attendance_windows_use_calendar_year(db):
    factory = NetworkFactory()
    days = [date(2026, 2, 9), date(2026, 2, 10), date(2027, 2, 8), date(2027, 2, 9)]
    year = factory.create_year(2026, days, terms=1)
    school_class = factory.create_class(
        factory.create_school("Um"), year, "1", [create_level("N")], [], days
    )
    school_class.add_absences(school_class.enrol("Alguém"), 1, 2, 3)
    viewer = create_user("administrator", network=[factory.network])

    (row,) = build_rows(viewer, "attendance_summary", {"year": 2026})

    assert (row["days"], row["absences"], row["attendance_feb_mar"]) == (4, 3, "50.0")
    assert [row] == [
        {**row, **expected_rows("attendance_summary", viewer, {"year": 2026})[0]}
    ]


def test_grade_of_term_without_dates_is_not_late(db):
    factory = NetworkFactory()
    days = lesson_days(date(2026, 2, 9), 8)
    year = factory.create_year(2026, days, terms=2)
    factory.create_rules(year, terms=3)
    art = create_subject("Arte", 1)
    school_class = factory.create_class(
        factory.create_school("Um"), year, "1", [create_level("N")], [art], days
    )
    enrolment = school_class.enrol("Alguém", exit_date=days[2])
    school_class.add_grades(enrolment, art.pk, 60, 61, 62)
    viewer = create_user("administrator", network=[factory.network])

    (row,) = build_rows(viewer, "report_card", {"year": 2026})

    assert [row["term_1"], row["term_2"], row["term_3"]] == ["6.0", None, "6.2"]


@pytest.mark.one_database(
    "the queries are the same, and SQLite takes fewer values in each"
)
@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_query_count_is_independent_of_student_count(db, kind):
    def queries(student_count: int) -> tuple[int, int]:
        viewer = _create_school_with(student_count)
        report = build_report(viewer, kind, {"year": 2026})
        with CaptureQueriesContext(connection) as captured:
            report.columns()
            rows = list(report.rows())
        return len(captured), len(rows)

    few, more, most = queries(1), queries(3), queries(300)

    assert few[0] == more[0] == most[0]
    assert 0 < few[1] <= more[1] < most[1] or EXPECTED[kind].students == "none"


def _create_school_with(student_count: int) -> User:
    """Create students who moved once, fail, were absent and had an exam; return a viewer."""
    factory = NetworkFactory()
    days = lesson_days(date(2026, 2, 9), 12)
    year = factory.create_year(2026, days)
    level, art, music = create_level("Nível"), create_subject("Arte", 1), create_subject("Música", 2)  # fmt: skip
    factory.create_rules(year, recovery_rule="weighted")
    old_class, new_class = (
        factory.create_class(
            factory.create_school(name), year, name, [level], [art, music], days
        )
        for name in ("Um", "Dois")
    )
    for number in range(student_count):
        student = factory.create_student(f"Pessoa {number}")
        before = old_class.enrol(student, exit_date=days[4], ending="transferred")
        after = new_class.enrol(student, entry_date=days[4])
        for subject, exam in ((art, 20), (music, None)):
            old_class.add_grades(before, subject.pk, 50)
            new_class.add_grades(after, subject.pk, NO_GRADE, 50, 50, 50, exam=exam)
        new_class.add_absences(after, *range(4, 11))
    return create_user("administrator", network=[factory.network])
