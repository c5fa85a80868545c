import datetime
import io
import re
import time
import tracemalloc
from dataclasses import replace
from typing import get_args

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.sqlite3._functions import _sqlite_regexp
from django.db.models import Func, TextField
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from school.db.snapshot import ALIAS, snapshot
from school.models import (
    Enrolment,
    Exemption,
    Grade,
    School,
    SchoolClass,
    Student,
    Subject,
    User,
)
from tasks import artifacts
from tasks.failures import Canceled
from tasks.rendering import database_csv
from tasks.rendering.columns import Column
from tasks.rendering.query_source import ExportField, QuerySource
from tasks.rendering.table import Table
from tasks.reporting import registry
from tasks.reporting.export_tables import EXPORTS
from tasks.reports.data_export import DataExport, Parameters
from tests.support.environment import DATABASE
from tests.support.school_factory import (
    MATHEMATICS,
    PORTUGUESE,
    SampleClass,
    create_student,
    school_day,
)
from tests.support.task_factories import run_task

pytestmark = pytest.mark.django_db

HEADERS = {
    "schools": "school_id,inep_code,name,address,city,state",
    "school_years": "school_year_id,year,period,starts_on,ends_on,is_closed",
    "terms": "school_year_id,term,starts_on,ends_on",
    "grade_levels": "grade_level_id,code,name,order",
    "subjects": "subject_id,code,name,order",
    "classes": "class_id,school_id,school,school_year_id,year,name,shift,kind",
    "class_subjects": "class_id,subject_id,subject,hours,counts_for_promotion,is_optional",
    "class_subject_levels": "class_id,subject_id,grade_level_id",
    "class_days": "class_day_id,class_id,date,term",
    "students": "student_id,registration,student,birth_date,inep_code",
    "enrolments": "enrolment_id,student_id,class_id,year,school,class,registration,student,"
    "grade_level_id,number,entry_date,exit_date,ending,approved_by_council,"
    "retained_by_council,school_id",
    "grades": "enrolment_id,year,school,class,registration,student,subject_id,subject,term,"
    "grade,concept,term_recovery,student_id,class_id,school_id",
    "recovery_exams": "enrolment_id,year,school,class,registration,student,subject_id,"
    "subject,grade,concept,student_id,class_id,school_id",
    "exemptions": "enrolment_id,year,school,class,registration,student,subject_id,subject,"
    "term,reason,student_id,class_id,school_id",
    "absences": "enrolment_id,year,school,class,registration,student,class_day_id,date,term,"
    "is_justified,student_id,class_id,school_id",
}
"""Published column headers, which never change."""
ODD_TEXTS = [
    '=HYPERLINK("http://x")', "+1", "-1", "@x", "\tx", "\rx", "\nx", "a;=1", "a\t=1", "x;y",
    'say "=1"', "＝1", "－1", "＠x", "x, y", "", "'=1", "''", "😀", "שלום", "á" * 40, "a\r\nb",
    " \u3000-1", "\u2028+1", "\x85x", "\\.", "'\t", '"', "%s %%", "a-b, c-d", "0-1",
]  # fmt: skip
TEXT = st.text(max_size=10) | st.text(
    "ab1 =+-@\t\r\n'\"“;,|_\\%\x01\ufeff＝－\xa0\u3000\x85", max_size=12
)


@pytest.fixture(autouse=True)
def rare_records(network):
    """An exemption, and a subject for one level of its class: the demo network has none."""
    enrolment = Enrolment.objects.order_by("pk").first()
    offering = enrolment.school_class.offerings.order_by("pk").first()
    offering.grade_levels.add(enrolment.grade_level)
    Exemption.objects.create(enrolment=enrolment, offering=offering, reason="Laudo")


def build_report(viewer, table="grades", **options):
    return DataExport.build(DataExport.select(viewer, {"table": table, **options}))


def write_table(table: Table, format="csv") -> bytes:
    file = io.BytesIO()
    registry.format_classes()[format]().write_table(table, file)
    return file.getvalue()


def write_in_python(table: Table) -> bytes:
    return write_table(replace(table, query_source=None))


def export_lines(viewer, table, **options):
    return (
        write_table(build_report(viewer, table, **options).build_table())
        .decode()
        .split("\r\n")
    )


def assign_names(records, names):
    """Assign these names to the records in turn, repeating from the first."""
    rows = list(records.order_by("pk"))
    for number, record in enumerate(rows):
        record.name = names[number % len(names)]
    records.model.objects.bulk_update(rows, ["name"], batch_size=200)


@pytest.fixture
def odd_names(network):
    assign_names(School.objects.all(), ODD_TEXTS[:3])
    assign_names(Subject.objects.all(), ODD_TEXTS[8:])
    assign_names(Student.objects.all(), ODD_TEXTS)
    for pk, name in enumerate(("a, b", '"', "=1", "ok"), 1):
        SchoolClass.objects.filter(pk=pk).update(name=name)
    Student.objects.filter(pk__lt=20).update(social_name="=so")
    School.objects.filter(pk=1).update(city="", address="\n+1")


@pytest.mark.guarantee("The columns of an export never change.")
@pytest.mark.parametrize("table", EXPORTS)
def test_export_columns_match_published_headers(admin, table):
    lines = export_lines(admin, table)

    assert lines[0] == HEADERS[table]
    assert len(lines) > 2


def test_table_parameter_lists_all_exports():
    asked_for = get_args(Parameters.model_fields["table"].annotation)

    assert set(asked_for) == set(EXPORTS) == set(HEADERS)


def test_export_rows_match_records(admin):
    """Expect exact text, so that both databases give the same bytes."""
    School.objects.filter(pk=1).update(name='Escola "Um", anexo')
    sample_class = SampleClass("=Turma")
    sample_class.add_sessions(0, 1)
    ana = sample_class.enrol(create_student("Ana", social_name="-Zé", registration="7"))
    sample_class.add_grades(ana, MATHEMATICS, 75, None, 100, exam=5)
    sample_class.add_grades(ana, PORTUGUESE, 0)
    sample_class.add_absences(ana, 1, justified=[1])
    Enrolment.objects.filter(pk=ana.pk).update(
        exit_date=school_day(9), ending="abandoned"
    )
    prefix = f'{ana.pk},2025,"Escola ""Um"", anexo",\'=Turma,7,\'-Zé'
    ids = f"{ana.student_id},{sample_class.pk},1"
    session = sample_class.school_class.sessions.get(date=school_day(1))

    assert export_lines(admin, "grades", class_id=sample_class.pk)[1:] == [
        f"{prefix},2,Matemática,1,7.5,,,{ids}",
        f"{prefix},2,Matemática,2,,,,{ids}",
        f"{prefix},2,Matemática,3,10.0,,,{ids}",
        f"{prefix},1,Língua Portuguesa,1,0.0,,,{ids}",
        "",
    ]
    assert export_lines(admin, "recovery_exams", class_id=sample_class.pk)[1:] == [
        f"{prefix},2,Matemática,0.5,,{ids}", "",
    ]  # fmt: skip
    assert export_lines(admin, "absences", class_id=sample_class.pk)[1:] == [
        f"{prefix},{session.pk},2025-02-04,1,true,{ids}", "",
    ]  # fmt: skip
    assert export_lines(admin, "enrolments", class_id=sample_class.pk)[1:] == [
        f"{ana.pk},{ana.student_id},{sample_class.pk}{prefix.removeprefix(str(ana.pk))},1,1,"
        "2025-02-03,2025-02-12,abandoned,false,false,1",
        "",
    ]


@pytest.mark.guarantee("The database writes the same export as Python.")
@pytest.mark.parametrize("min_rows", [0, 10**9])
@pytest.mark.parametrize("selection", [{"year": 2026}, {"class_ids": [1, 2, 4]}])
@pytest.mark.parametrize("table", EXPORTS)
def test_database_csv_equals_python_csv(
    admin, odd_names, monkeypatch, table, selection, min_rows
):
    """Student 67, who moved from class 3 to class 4, is still a guest there."""
    Enrolment.objects.filter(student=67, school_class=3).update(
        exit_date=None, ending=""
    )
    Enrolment.objects.filter(student=67, school_class=4).update(
        exit_date=datetime.date(2026, 9, 1), ending="transferred"
    )
    monkeypatch.setattr(database_csv, "MIN_ROWS_TO_PROBE", min_rows)
    monkeypatch.setattr(database_csv, "LINES_PER_BLOCK", 7)
    report = build_report(admin, table, **selection)

    content = write_table(report.build_table())

    assert content == write_in_python(report.build_table())
    assert content.count(b"\r\n") >= report.total() > 0


@pytest.mark.guarantee("The database writes the same export as Python.")
@pytest.mark.parametrize("min_rows", [0, 10**9])
@given(names=st.lists(TEXT, min_size=1, max_size=8))
@example(names=["a-b", "c-d"])
@example(names=[""])
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_database_csv_of_any_name_equals_python_csv(
    admin, monkeypatch, min_rows, names
):
    if DATABASE == "postgresql":  # which cannot store NUL characters
        names = [name.replace("\x00", "") for name in names]
    monkeypatch.setattr(database_csv, "MIN_ROWS_TO_PROBE", min_rows)
    school_class = SchoolClass.objects.get(pk=1)
    assign_names(Student.objects.filter(enrolments__school_class=school_class), names)
    SchoolClass.objects.filter(pk=1).update(name=names[-1])

    table = build_report(admin, "enrolments", class_id=1).build_table()

    assert write_table(table) == write_in_python(table)


@pytest.mark.parametrize("format", DataExport.formats)
def test_every_format_writes_all_rows(admin, format):
    task = run_task(admin, {"table": "grades"}, kind="data_export", format=format)

    assert task.result["rows"] == Grade.objects.count()
    assert (task.progress_done, task.progress_total) == (task.result["rows"],) * 2


def test_progress_counts_rows_as_written(admin, monkeypatch):
    monkeypatch.setattr(database_csv, "LINES_PER_BLOCK", 100)
    report, advances = build_report(admin), []

    write_table(replace(report.build_table(), advance=advances.append))

    assert sum(advances) == report.total() == Grade.objects.count()
    assert len(advances) >= report.total() / 100


def test_same_data_gives_same_bytes(admin):
    one, two = (
        run_task(admin, {"table": "absences"}, kind="data_export", format="csv")
        for _ in range(2)
    )

    assert one.result["sha256"] == two.result["sha256"]


def test_empty_export_has_header_and_reason(admin):
    task = run_task(
        admin, {"table": "grades", "year": 1999}, kind="data_export", format="csv"
    )

    assert task.result["rows"] == 0
    assert artifacts.read_artifact(task.artifact).decode() == HEADERS["grades"] + "\r\n"
    columns = [column["name"] for column in task.result["columns"]]
    assert columns == HEADERS["grades"].split(",")
    assert (
        task.result["summary"] == "Não há nenhum aluno matriculado no que foi pedido."
    )


def test_moved_student_is_exported_to_each_school_in_part(stranger, admin):
    """Student 67 moved from class 3, in the stranger's school, to class 4."""
    exported_ids = {
        int(line.split(",")[0]) for line in export_lines(stranger, "grades")[1:-1]
    }
    student_enrolment_ids = set(
        Enrolment.objects.filter(student=67).values_list("pk", flat=True)
    )
    (enrolment,) = Enrolment.objects.filter(student=67, school_class=3)

    assert exported_ids & student_enrolment_ids == {enrolment.pk}
    classes = {
        line.split(",")[1] for line in export_lines(stranger, "class_days")[1:-1]
    }
    assert classes == {"3"}


@pytest.mark.parametrize("min_rows", [0, 10**9])
def test_query_count_is_independent_of_row_count(admin, monkeypatch, min_rows):
    monkeypatch.setattr(database_csv, "MIN_ROWS_TO_PROBE", min_rows)
    monkeypatch.setattr(database_csv, "LINES_PER_BLOCK", 10)

    def queries(**options):
        report = build_report(admin, **options)
        with CaptureQueriesContext(connection) as captured:
            count = report.total()
            write_table(report.build_table())
        return len(captured), count

    (of_class, few), (of_classes, many) = (
        queries(class_id=1),
        queries(class_ids=[1, 2, 3, 4]),
    )

    assert of_class == of_classes
    assert many > 2 * few


@pytest.mark.skipif(DATABASE != "sqlite", reason="PostgreSQL compares in its server")
def test_text_of_many_rows_is_searched_once(admin, monkeypatch):
    monkeypatch.setattr(database_csv, "MIN_ROWS_TO_PROBE", 0)
    searched = []

    def search(pattern, text):
        searched.append(text)
        return re.search(pattern, text) is not None

    connection.ensure_connection()
    connection.connection.create_function("regexp", 2, search, deterministic=True)
    try:
        write_table(build_report(admin, "grades").build_table())
    finally:
        connection.connection.create_function("regexp", 2, _sqlite_regexp)

    assert 0 < searched.count("") < Grade.objects.count() / 10


@pytest.mark.guarantee("An export to CSV needs constant memory.")
def test_memory_use_is_independent_of_row_count(admin, monkeypatch):
    monkeypatch.setattr(database_csv, "LINES_PER_BLOCK", 50)

    def peak(**options):
        table = build_report(admin, **options).build_table()
        tracemalloc.start()
        with open("/dev/null", "wb") as file:
            registry.format_classes()["csv"]().write_table(table, file)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(class_id=1)  # warm up what is allocated only once
    assert peak() < 1.3 * peak(class_id=1)


@pytest.mark.guarantee("A canceled export ends in the database server too.")
def test_cancel_ends_export_between_blocks(admin, monkeypatch):
    monkeypatch.setattr(database_csv, "LINES_PER_BLOCK", 5)
    report, counts = build_report(admin), []

    def cancel(count):
        counts.append(count)
        if len(counts) == 3:
            raise Canceled

    with pytest.raises(Canceled), transaction.atomic():
        write_table(replace(report.build_table(), advance=cancel))

    assert counts == [5, 5, 5]
    assert report.total() == Grade.objects.count()  # the connection still works


def slow_table(records) -> Table:
    """Return a table whose first row takes a minute."""

    def sleep(_prefix):
        return Func(
            60,
            template="CAST(pg_sleep(%(expressions)s) AS text)",
            output_field=TextField(),
        )

    column = Column("slept", "Slept")
    query_source = QuerySource(records, [ExportField(column, "", sleep)])
    return Table("Slow", [column], query_source.rows(), query_source=query_source)


def write_slowly_in_snapshot(on_start):
    """Write the slow table in a snapshot; `on_start` receives the server process id."""
    with snapshot():
        table = slow_table(User.objects.order_by("pk"))
        pid = connections[ALIAS].connection.info.backend_pid
        write_table(replace(table, raise_if_stopped=lambda: on_start(pid)))


def query_server(sql, pid):
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, [pid])
        return cursor.fetchall()


@pytest.mark.guarantee("A canceled export ends in the database server too.")
@pytest.mark.skipif(DATABASE != "postgresql", reason="SQLite returns rows at once")
@pytest.mark.django_db(transaction=True, databases="__all__")
def test_cancel_interrupts_query_before_first_row(snapshot_connection):
    pids = []

    def cancel(pid):
        pids.append(pid)
        raise Canceled

    started_at = time.monotonic()
    with pytest.raises(Canceled):
        write_slowly_in_snapshot(cancel)

    assert time.monotonic() - started_at < 5
    with snapshot():
        assert User.objects.exists()
    states = "SELECT state FROM pg_stat_activity WHERE pid = %s"
    assert ("active",) not in query_server(states, pids[0])


@pytest.mark.skipif(DATABASE != "postgresql", reason="SQLite has no server")
@pytest.mark.django_db(transaction=True, databases="__all__")
def test_terminated_server_process_raises_operational_error(snapshot_connection):
    def kill(pid):
        query_server("SELECT pg_terminate_backend(%s)", pid)

    with pytest.raises(OperationalError):
        write_slowly_in_snapshot(kill)

    with snapshot():
        assert User.objects.exists()
