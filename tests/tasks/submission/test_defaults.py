"""Defaults that depend on the viewer, and requests for several classes or students."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from school.models import Role, SchoolClass, SchoolYear, Student
from tasks.errors import InvalidRequest
from tasks.models import Task
from tasks.reporting import registry
from tasks.submission.defaults import ViewerDefaults
from tests.support.school_factory import NetworkFactory, create_level, create_user
from tests.support.task_factories import queue_task, read_rows, run_task

pytestmark = pytest.mark.django_db

YEAR_KINDS = {
    "class_performance": {},
    "report_card": {},
    "final_results": {},
    "at_risk_students": {},
    "attendance_summary": {"list": "all"},
    "transcript": {},
}
"""Kinds with a default year, with the other defaults that a task of theirs stores."""


@pytest.fixture
def factory(network):
    return NetworkFactory(name="Rede Norte")


def create_class(factory, first, last, **fields):
    """Create a class of a school year between two days."""
    year = factory.create_year(first.year, [first, last], terms=1, **fields)
    return factory.create_class(
        factory.create_school("EM"), year, "A", [create_level("1º ano")], [], []
    )


def viewer_of(*factories):
    return create_user(
        Role.ADMINISTRATOR, network=[factory.network for factory in factories]
    )


@pytest.mark.parametrize("kind", YEAR_KINDS)
def test_request_without_year_and_class_gets_the_open_year(secretary, kind):
    task = queue_task(secretary, {}, kind=kind)

    assert task.parameters == {**YEAR_KINDS[kind], "year": 2026}
    assert "2026" in task.about


@pytest.mark.parametrize("kind", YEAR_KINDS)
@pytest.mark.parametrize("given", [{"class_id": 1}, {"class_ids": [1]}, {"year": 1999}])
def test_default_year_leaves_other_choices_alone(secretary, kind, given):
    task = queue_task(secretary, given, kind=kind)

    assert task.parameters == {**YEAR_KINDS[kind], **given}


@pytest.mark.parametrize("given", [{"school_id": 1}, {"year": None, "class_id": None}])
def test_default_year_is_added_beside_a_school_and_for_null(secretary, given):
    task = queue_task(secretary, given)

    assert task.parameters.pop("year") == 2026
    assert task.parameters == {n: v for n, v in given.items() if v is not None}


def test_transcript_of_a_student_keeps_all_years(secretary):
    task = queue_task(secretary, {"student_id": 1}, kind="transcript")

    assert task.parameters == {"student_id": 1}


def test_export_without_year_keeps_all_years(secretary):
    task = queue_task(secretary, {"table": "grades"}, kind="data_export")

    assert task.parameters == {"table": "grades"}


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        ([(-100, 100, False)], 0),
        ([(-100, 100, True)], None),
        ([(-500, -300, False)], -1),
        ([(-100, 100, False), (-500, -300, True)], 0),
        ([(-100, 100, False), (300, 500, False)], 0),
        ([(-500, -300, False), (300, 500, False)], None),
        ([(-20, 20, False), (-500, 20, False)], None),
    ],
)
def test_open_year_is_the_one_that_has_today(factory, years, expected, monkeypatch):
    today = date(2026, 7, 1)
    monkeypatch.setattr(timezone, "localdate", lambda: today)
    for first, last, is_closed in years:
        days = [today + timedelta(days=n) for n in (first, last)]
        created = create_class(factory, *days)
        SchoolYear.objects.filter(pk=created.year.pk).update(is_closed=is_closed)

    open_year = ViewerDefaults(viewer_of(factory)).open_year

    assert open_year == (None if expected is None else 2026 + expected)


def test_two_periods_of_a_number_are_one_open_year(factory):
    create_class(factory, date(2026, 2, 1), date(2026, 6, 30), period="1")
    create_class(factory, date(2026, 7, 1), date(2026, 12, 1), period="2")

    assert ViewerDefaults(viewer_of(factory)).open_year == 2026


@pytest.mark.guarantee("A default takes only records that the viewer may see.")
def test_open_year_of_another_network_is_no_default(factory):
    other = NetworkFactory(name="Rede Sul")
    create_class(factory, date(2019, 2, 1), date(2019, 12, 1))
    create_class(other, date(2018, 2, 1), date(2018, 12, 1))

    assert ViewerDefaults(viewer_of(factory)).open_year == 2019
    assert ViewerDefaults(viewer_of(factory, other)).open_year is None
    assert ViewerDefaults(create_user(Role.STAFF)).open_year is None


@pytest.mark.parametrize("kind", YEAR_KINDS)
def test_request_without_default_is_refused(factory, kind):
    other = NetworkFactory(name="Rede Sul")
    create_class(factory, date(2019, 2, 1), date(2019, 12, 1))
    create_class(other, date(2018, 2, 1), date(2018, 12, 1))

    with pytest.raises(InvalidRequest) as refused:
        queue_task(viewer_of(factory, other), {}, kind=kind)

    (error,) = refused.value.field_errors
    assert (error.pointer, error.code) == ("/parameters", "value_error")
    assert not Task.objects.exists()


def test_guardian_without_student_gets_all_children(guardian):
    task = run_task(guardian, {"class_id": 1}, kind="report_card")

    assert task.parameters == {"class_id": 1, "student_ids": [1, 27]}
    names = Student.objects.filter(pk__in=[1, 27]).order_by("pk")
    assert task.about.startswith(", ".join(s.display_name for s in names))
    assert {row["class"] for row in read_rows(task)} == {
        SchoolClass.objects.get(pk=1).name
    }


@pytest.mark.parametrize("given", [{"student_id": 27}, {"student_ids": [27]}])
def test_guardian_who_chooses_a_child_gets_that_one(guardian, given):
    task = queue_task(guardian, given, kind="report_card")

    assert task.parameters == {**given, "year": 2026}


@pytest.mark.parametrize("kind", [*YEAR_KINDS, "data_export"])
def test_report_of_several_classes_has_the_rows_of_each(secretary, kind):
    own = {"table": "enrolments"} if kind == "data_export" else {}

    def rows(**parameters):
        return read_rows(run_task(secretary, {**own, **parameters}, kind=kind))

    both = rows(class_ids=[2, 1])

    assert len(both) > len(rows(class_id=1)) > 0
    assert both == rows(school_id=1, year=2026)  # which has these two classes


def test_several_classes_are_named(secretary, admin):
    names = dict(SchoolClass.objects.values_list("pk", "name"))
    school = SchoolClass.objects.get(pk=1).school.name

    of_one_school = queue_task(secretary, {"class_ids": [1, 2]})
    of_two_schools = queue_task(admin, {"class_ids": [1, 3]})

    assert of_one_school.about == f"{names[1]}; {names[2]} · {school} · 2026"
    other = SchoolClass.objects.get(pk=3).school.name
    assert of_two_schools.about == (
        f"{names[1]} ({school}); {names[3]} ({other}) · 2026"
    )
    assert (of_one_school.school_id, of_two_schools.school_id) == (1, None)


@pytest.mark.parametrize(("language", "text"), [("pt-BR", "5 turmas"), ("en", "5 classes")])  # fmt: skip
def test_many_classes_are_counted(factory, language, text):
    classes = [
        create_class(factory, date(2026, 2, 1), date(2026, 12, 1), period=str(n))
        for n in range(5)
    ]

    parameters = {"class_ids": [one.pk for one in classes]}
    task = queue_task(viewer_of(factory), parameters, language=language)

    assert task.about.split(" · ")[0] == text


@pytest.mark.guarantee(
    "A parameter with a record that the viewer may not see is refused like a missing record."
)
@pytest.mark.parametrize("role", ["secretary", "teacher", "guardian", "stranger"])
@pytest.mark.parametrize(
    ("parameter", "visible", "invisible"),
    [("class_ids", {"stranger": 3}, {"stranger": 1}),
     ("student_ids", {"stranger": 52}, {"stranger": 1})],
)  # fmt: skip
def test_invisible_record_in_a_list_equals_a_missing_one(
    request, role, parameter, visible, invisible
):
    viewer = request.getfixturevalue(role)
    seen, hidden = visible.get(role, 1), invisible.get(role, 3 if parameter == "class_ids" else 52)  # fmt: skip

    def errors(*ids):
        with pytest.raises(InvalidRequest) as refused:
            queue_task(viewer, {parameter: ids, "year": 2026}, kind="report_card")
        return [(e.pointer, e.code, e.detail) for e in refused.value.field_errors]

    assert queue_task(viewer, {parameter: [seen], "year": 2026}, kind="report_card")
    assert errors(seen, hidden) == errors(seen, 999)
    (error,) = errors(seen, hidden)
    assert error[:2] == (f"/parameters/{parameter}/1", "not_found")


def test_class_of_another_network_in_a_list_is_refused_for_an_administrator(factory):
    own = create_class(factory, date(2026, 2, 1), date(2026, 12, 1)).pk
    viewer = viewer_of(factory)

    def error(*ids):
        with pytest.raises(InvalidRequest) as refused:
            queue_task(viewer, {"class_ids": ids})
        (error,) = refused.value.field_errors
        return error

    assert queue_task(viewer, {"class_ids": [own]})
    assert error(own, 1) == error(own, 999)
    assert error(1, own).pointer == "/parameters/class_ids/0"


def test_default_year_is_read_only_if_it_is_needed(teacher):
    model = registry.get_report_class("class_performance").parameters_model()

    with CaptureQueriesContext(connection) as queries:
        values = ViewerDefaults(teacher).apply(model, {"class_id": 1})

    assert (values, len(queries)) == ({"class_id": 1}, 0)


@pytest.mark.parametrize(
    ("parameters", "pointer", "code"),
    [
        ({"class_id": 1, "class_ids": [2]}, "", "value_error"),
        ({"student_id": 1, "student_ids": [2], "year": 2026}, "", "value_error"),
        ({"class_ids": []}, "/class_ids", "too_short"),
        ({"class_ids": [1, 1]}, "/class_ids", "repeated_item"),
        ({"class_ids": list(range(1, 102))}, "/class_ids", "too_long"),
        ({"class_ids": ["1"]}, "/class_ids/0", "int_type"),
        ({"class_ids": 1}, "/class_ids", "list_type"),
    ],
)
def test_invalid_list_is_refused(secretary, parameters, pointer, code):
    with pytest.raises(InvalidRequest) as refused:
        queue_task(secretary, parameters, kind="report_card")

    assert [(e.pointer, e.code) for e in refused.value.field_errors] == [
        (f"/parameters{pointer}", code)
    ]
