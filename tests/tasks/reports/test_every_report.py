"""Requirements of every report kind in every format, taken from the registry."""

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.models import (
    Absence,
    Attachment,
    Enrolment,
    Grade,
    PriorYear,
    RecoveryGrade,
    Role,
    Student,
    User,
)
from tasks import artifacts, lifecycle
from tasks.errors import InvalidRequest, RoleNotAllowed
from tasks.reporting import registry
from tests.support.school_factory import (
    SampleClass,
    get_year_2025,
    school_day,
    set_rules,
)
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db

KINDS = {
    kind: report
    for kind, report in registry.report_classes().items()
    if report.__module__.startswith("tasks.reports.")
}
KIND_FORMATS = [
    (kind, format) for kind, report in KINDS.items() for format in report.formats
]
USERNAMES_BY_ROLE = {
    Role.ADMINISTRATOR: "admin",
    Role.STAFF: "secretary",
    Role.TEACHER: "teacher",
    Role.GUARDIAN: "guardian",
}


def allowed_viewer(report) -> User:
    return User.objects.get(username=USERNAMES_BY_ROLE[sorted(report.allowed_roles)[0]])


def build_report(viewer: User, kind: str, **values):
    report_class = KINDS[kind]
    return report_class.build(
        report_class.select(viewer, values or report_class.example)
    )


def test_kinds_match_files_of_package():
    folder = Path("tasks/reports").glob("*.py")

    assert set(KINDS) == {path.stem for path in folder} - {"__init__", "base"}


@pytest.mark.parametrize(("kind", "format"), KIND_FORMATS)
def test_example_succeeds_in_every_format(network, kind, format):
    task = run_task(
        allowed_viewer(KINDS[kind]), dict(KINDS[kind].example), kind=kind, format=format
    )

    assert task.state == "succeeded", task.error
    assert task.result["rows"] > 0
    assert len(artifacts.read_artifact(task.artifact)) == task.result["bytes"]


@pytest.mark.parametrize("kind", KINDS)
def test_total_and_columns_match_rows(network, kind):
    report = build_report(allowed_viewer(KINDS[kind]), kind)

    rows = list(report.rows())

    assert report.total() in {None, len(rows)}
    assert {len(row) for row in rows} == {len(report.columns())}
    names = [column.name for column in report.columns()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", KINDS)
def test_only_allowed_roles_may_request_kind(network, kind, role):
    viewer = User.objects.get(username=USERNAMES_BY_ROLE[role])

    if role in KINDS[kind].allowed_roles:
        assert (
            queue_task(viewer, dict(KINDS[kind].example), kind=kind).state == "queued"
        )
    else:
        with pytest.raises(RoleNotAllowed):
            queue_task(viewer, dict(KINDS[kind].example), kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_parameter_is_rejected(network, kind):
    example = {**KINDS[kind].example, "surprise": 1}

    with pytest.raises(InvalidRequest, match="/parameters/surprise"):
        queue_task(allowed_viewer(KINDS[kind]), example, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_viewer_without_students_gets_no_rows_and_a_reason(network, kind):
    viewer = allowed_viewer(KINDS[kind])
    report = build_report(viewer, kind)
    Attachment.objects.filter(user=viewer).delete()
    viewer.is_superuser = False
    viewer.save()

    report = build_report(viewer, kind)

    assert list(report.rows()) == []
    assert report.empty_reason() == "Não há nenhum aluno matriculado no que foi pedido."


LARGE_CLASS_SIZE = 2500
"""Number of students; more than are ever in memory at once."""


def create_large_class(size):
    """Create a class whose students all came from another class, with records of every type."""
    old_class, new_class = SampleClass(f"Before {size}"), SampleClass(f"Now {size}")
    for sample_class in (old_class, new_class):
        sample_class.add_sessions(*range(20))
    students = Student.objects.bulk_create(
        Student(network_id=1, registration=f"{size}-{n}", name=f"N {n}", birth_date="2015-05-05", sort_key=b"%d" % n)
        for n in range(size)
    )  # fmt: skip
    PriorYear.objects.bulk_create(
        PriorYear(student=s, year=2024, grade_level="?", school="?", result="?")
        for s in students
    )
    for sample_class, dates in (
        (old_class, (school_day(0), school_day(10))),
        (new_class, (school_day(10), None)),
    ):
        enrolments = Enrolment.objects.bulk_create(
            Enrolment(student=s, school_class=sample_class.school_class, grade_level_id=1, diary_number=n, entry_date=dates[0], exit_date=dates[1])
            for n, s in enumerate(students, 1)
        )  # fmt: skip
        session = sample_class.school_class.sessions.get(date=dates[0])
        Absence.objects.bulk_create(
            Absence(enrolment=e, session=session) for e in enrolments
        )
        for offering in sample_class.school_class.offerings.all():
            Grade.objects.bulk_create(
                Grade(enrolment=e, offering=offering, term=term, tenths=50)
                for e in enrolments
                for term in range(1, 5)
            )
            RecoveryGrade.objects.bulk_create(
                RecoveryGrade(enrolment=e, offering=offering, tenths=50)
                for e in enrolments
            )
    return new_class


@pytest.mark.timeout(300)  # runs all kinds
@pytest.mark.one_database(
    "the queries are the same, and SQLite takes fewer values in each"
)
def test_query_count_is_independent_of_student_count(network):
    admin = User.objects.get(username="admin")
    set_rules(get_year_2025(), recovery_rule="weighted", year_days=20)
    classes = {size: create_large_class(size) for size in (1, 3, 300, LARGE_CLASS_SIZE)}
    with connection.cursor() as cursor:  # PostgreSQL does this by itself after a while
        cursor.execute("ANALYZE")

    def count_queries(kind, sample_class):
        """Return the query count and the row count of this kind for that class."""
        with CaptureQueriesContext(connection) as captured:
            values = {**KINDS[kind].example, "class_id": sample_class.pk}
            report = build_report(admin, kind, **values)
            report.total()
            rows = len(list(report.build_table().rows))
            report.skipped_counts()
            report.summary() if rows else report.empty_reason()
        return len(captured), rows

    for kind in KINDS:
        queries, rows = zip(
            *(count_queries(kind, sample_class) for sample_class in classes.values()),
            strict=True,
        )

        assert set(queries) == {queries[0]}, (kind, queries)
        # Some kinds have a row, or several, for each student, others for each class.
        assert rows[-1] in {rows[0], LARGE_CLASS_SIZE * rows[0]}, kind
        assert rows[-1] > 0, kind


@pytest.mark.parametrize("kind", KINDS)
def test_example_has_rows_for_every_allowed_role(network, kind):
    for role in KINDS[kind].allowed_roles:
        viewer = User.objects.get(username=USERNAMES_BY_ROLE[role])
        assert run_task(viewer, dict(KINDS[kind].example), kind=kind).result["rows"] > 0


def test_same_data_gives_same_bytes(teacher):
    one, two = run_task(teacher), run_task(teacher)

    assert one.result["sha256"] == two.result["sha256"]


def test_module_without_exactly_one_kind_is_rejected(tmp_path, monkeypatch, settings):
    package = tmp_path / "odd_kinds"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "nothing.py").write_text("NOTHING = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings.REPORT_PACKAGES = ["odd_kinds"]

    with pytest.raises(
        ImproperlyConfigured, match="odd_kinds.nothing must define exactly one"
    ):
        registry.report_classes.__wrapped__()


def test_failing_report_has_error_code_and_no_file(teacher):
    of_data = run_task(teacher, {"of": "data"}, kind="failing")
    of_code = run_task(teacher, {"of": "code"}, kind="failing")

    assert of_data.error == {
        "code": "data_error",
        "detail": "Enrolment 7 has a grade in a term that is not there.",
    }
    assert of_code.error["code"] == "internal"
    assert "secret" not in json.dumps(of_code.error)
    assert not list(
        artifacts.Path(artifacts.settings.ARTIFACTS_DIR).rglob(f"*{of_code.pk}*")
    )


def test_report_canceled_during_build_leaves_no_file(teacher, monkeypatch):
    from tasks.worker import tasks

    task = queue_task(teacher)
    original_build = tasks.build_report

    def cancel_first(task, tracker):
        built = original_build(task, tracker)
        lifecycle.cancel(task)
        return built

    monkeypatch.setattr(tasks, "build_report", cancel_first)
    tasks.generate_report(str(task.pk))

    task.refresh_from_db()
    assert task.state == "canceled"
    assert not list(
        artifacts.Path(artifacts.settings.ARTIFACTS_DIR).rglob(f"*{task.pk}*")
    )
