"""History of grades: triggers record who changed which grade, when, why, from what to what."""

import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from school import models as m
from school import write_context
from school.demo import bulk
from tests.support.environment import DATABASE

pytestmark = pytest.mark.django_db


def history():
    """Return the recorded changes, oldest first."""
    return [
        (c.action, c.enrolment_id, c.subject_id, c.term, c.old_tenths, c.new_tenths)
        for c in m.GradeChange.objects.order_by("pk")
    ]


@pytest.fixture
def grade(network):
    """Grade 7.0 of term 1."""
    grade = m.Grade.objects.select_related("offering", "enrolment").get(pk=1)
    with write_context.erasing():
        grade.delete()  # deleted and added again, as if it always had been 7.0
    grade.pk, grade.tenths = 1, 70
    grade.save(force_insert=True)
    assert history() == []
    return grade


def key(grade):
    return grade.enrolment_id, grade.offering.subject_id, grade.term


@pytest.mark.guarantee(
    "Every change of a grade is recorded, whoever writes it and how."
)
@pytest.mark.parametrize("way", ["save", "update", "bulk_update", "upsert", "sql"])
def test_change_of_a_grade_is_recorded(grade, admin, way):
    before = timezone.now()
    grade.tenths = 85
    columns = "id, enrolment_id, offering_id, term, tenths"
    upsert = (
        f"INSERT INTO school_grade ({columns}) SELECT {columns} FROM school_grade WHERE id = 1"
        " ON CONFLICT (id) DO UPDATE SET tenths = 85"
    )
    steps = {
        "save": grade.save,
        "update": lambda: m.Grade.objects.filter(pk=1).update(tenths=85),
        "bulk_update": lambda: m.Grade.objects.bulk_update([grade], ["tenths"]),
        "upsert": lambda: _execute(upsert),
        "sql": lambda: _execute("UPDATE school_grade SET tenths = 85 WHERE id = 1"),
    }

    with write_context.acting(admin, "typing error"):
        steps[way]()

    change = m.GradeChange.objects.get()
    assert history() == [("changed", *key(grade), 70, 85)]
    assert (change.user_id, change.username) == (admin.pk, "admin")
    assert change.reason == "typing error"
    assert change.student_id == grade.enrolment.student_id
    assert change.school_class_id == grade.enrolment.school_class_id
    tolerance = timedelta(seconds=1)  # of the two clocks
    assert before - tolerance <= change.at <= timezone.now() + tolerance


def _execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_unchanged_grade_is_not_recorded(grade):
    grade.save()
    m.Grade.objects.filter(pk=1).update(tenths=70)

    assert history() == []


def test_update_of_many_grades_records_each(network):
    expected = {
        (g.enrolment_id, g.offering.subject_id, g.term, g.tenths)
        for g in m.Grade.objects.select_related("offering")
        if g.tenths != 50
    }

    m.Grade.objects.update(tenths=50)

    assert {entry[1:5] for entry in history()} == expected
    assert {(entry[0], entry[5]) for entry in history()} == {("changed", 50)}


def test_deleted_and_moved_grades_are_recorded(grade):
    m.Grade.objects.filter(enrolment=grade.enrolment_id, term=4).delete()
    deleted = history()
    assert {entry[0] for entry in deleted} == {"deleted"}
    moved = m.Grade.objects.filter(pk=1)
    moved.update(term=4)
    moved.delete()

    enrolment, subject, _term = key(grade)
    assert history()[len(deleted) :] in (
        [
            ("deleted", enrolment, subject, 1, 70, None),
            ("added", enrolment, subject, 4, None, 70),
            ("deleted", enrolment, subject, 4, 70, None),
        ],
        # PostgreSQL writes the rows of one statement in any order.
        [
            ("added", enrolment, subject, 4, None, 70),
            ("deleted", enrolment, subject, 1, 70, None),
            ("deleted", enrolment, subject, 4, 70, None),
        ],
    )


def test_recovery_grade_is_recorded(network, admin):
    recovery = m.RecoveryGrade.objects.select_related("offering").first()
    before = recovery.tenths
    recovery.tenths = before + 1
    recovery.save()
    with write_context.acting(admin):
        recovery.delete()

    place = recovery.enrolment_id, recovery.offering.subject_id, None
    assert history() == [
        ("changed", *place, before, before + 1),
        ("deleted", *place, before + 1, None),
    ]


@pytest.mark.skipif(DATABASE != "sqlite", reason="statement of SQLite")
def test_replaced_grade_is_recorded(grade):
    _execute(
        "INSERT OR REPLACE INTO school_grade (id, term, tenths, enrolment_id, offering_id)"
        " SELECT 999999, term, 10, enrolment_id, offering_id FROM school_grade WHERE id = 1"
    )

    assert history() == [("deleted", *key(grade), 70, None)]


def test_added_grade_is_recorded_if_user_or_reason_is_known(grade, admin):
    with write_context.erasing():
        m.Grade.objects.filter(pk=1).delete()
    for context in ({"user": admin}, {"reason": "list of the council"}):
        with write_context.acting(**context):
            m.Grade.objects.bulk_create([grade])
        with write_context.erasing():
            m.Grade.objects.filter(pk=1).delete()
    m.Grade.objects.bulk_create([grade])  # a loading: the value is in the grade

    assert history() == [("added", *key(grade), None, 70)] * 2


def test_shell_writes_as_nobody_with_a_note(grade, monkeypatch):
    monkeypatch.setattr("sys.argv", ["./manage.py", "shell", "-c", "a secret"])
    m.Grade.objects.filter(pk=1).update(tenths=1)

    change = m.GradeChange.objects.get()
    assert (change.user_id, change.username) == (None, "")
    note = "manage.py shell" if DATABASE == "sqlite" else "postgres"
    assert note in change.reason
    assert "secret" not in change.reason


def test_contexts_are_nested_and_end(grade, admin, teacher):
    def write(tenths):
        m.Grade.objects.filter(pk=1).update(tenths=tenths)

    with write_context.acting(admin, "outer"):
        write(1)
        with write_context.acting(teacher):
            write(2)
        with write_context.acting(reason="inner"), transaction.atomic():
            write(3)
        with (
            pytest.raises(IntegrityError),
            transaction.atomic(),
            write_context.acting(teacher),
        ):
            write(1000)
        write(4)
    write(5)

    changes = m.GradeChange.objects.order_by("pk")
    assert [(c.username, c.reason) for c in changes][:4] == [
        ("admin", "outer"), ("teacher", "outer"), ("admin", "inner"), ("admin", "outer"),
    ]  # fmt: skip
    assert changes[4].username == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.guarantee(
    "An actor of one transaction is never taken for that of another."
)
def test_context_holds_in_each_transaction_and_leaves_none(
    transactional_db, network, admin
):
    """The settings are the transaction's own, as a connection pooler demands."""
    first = m.Grade.objects.order_by("pk").first()
    grades = m.Grade.objects.filter(pk=first.pk)
    grades.update(tenths=70)
    m.GradeChange.objects.all().delete()
    with write_context.acting(admin, "why"):
        grades.update(tenths=1)
        with transaction.atomic():
            m.Network.objects.get()
            grades.update(tenths=2)
        grade = grades.get()
        grade.tenths = 3
        grade.save()
        grade.delete()
    grade.pk = first.pk
    grade.save(force_insert=True)
    with transaction.atomic():
        grades.update(tenths=4)
    grades.update(tenths=5)
    changes = m.GradeChange.objects.order_by("pk")
    assert [(c.username, c.new_tenths) for c in changes] == [
        ("admin", 1), ("admin", 2), ("admin", 3), ("admin", None),
        ("", 4), ("", 5),
    ]  # fmt: skip
    if DATABASE == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('school.user_id', true)")
            assert cursor.fetchone()[0] in (None, "")


def test_copy_inside_a_transaction_is_attributed(network, admin):
    recovery = m.RecoveryGrade.objects.order_by("pk").first()
    row = (recovery.enrolment_id, recovery.offering_id, 100)
    with write_context.erasing():
        recovery.delete()

    with transaction.atomic():
        with write_context.acting(admin):
            bulk.insert_rows(m.RecoveryGrade, "enrolment offering tenths", [row])
        copied = m.RecoveryGrade.objects.filter(enrolment=row[0], offering=row[1])
        copied.update(tenths=99)

    changes = m.GradeChange.objects.order_by("pk")
    assert [(c.username, c.new_tenths) for c in changes] == [("admin", 100), ("", 99)]


def test_context_of_one_thread_is_unknown_to_another(network, admin):
    seen = []
    with write_context.acting(admin):
        thread = threading.Thread(
            target=lambda: seen.append(write_context.current().user_id)
        )
        thread.start()
        thread.join()

    assert seen == [None]


@pytest.mark.guarantee("The audit entries of closed years and grades never change.")
def test_history_cannot_be_changed(grade):
    m.Grade.objects.filter(pk=1).update(tenths=1)

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        m.GradeChange.objects.update(old_tenths=2)


def test_history_outlives_grade_enrolment_and_user(grade, admin):
    with write_context.acting(admin):
        m.Grade.objects.filter(pk=1).update(tenths=1)
    enrolment = grade.enrolment
    for model in (m.Absence, m.Grade, m.RecoveryGrade):
        model.objects.filter(enrolment=enrolment).delete()
    enrolment.delete()
    m.User.objects.filter(pk=admin.pk).delete()

    change = m.GradeChange.objects.order_by("pk").first()
    assert (change.username, change.student_id) == ("admin", enrolment.student_id)


@pytest.mark.guarantee("Erasing a student erases the history of the student's grades.")
def test_erased_student_leaves_no_trace_but_the_event(grade, network):
    student = grade.enrolment.student
    other = (
        m.Grade.objects.exclude(enrolment__student=student).exclude(tenths=1).first()
    )
    m.Grade.objects.filter(pk__in=[1, other.pk]).update(tenths=1)
    m.SchoolYear.objects.update(is_closed=True)
    left = m.Student.objects.count() - 1

    call_command(
        "erase_student", "demo", student.registration, "--reason", "order 12/2026"
    )

    assert m.Student.objects.count() == left
    assert [c.student_id for c in m.GradeChange.objects.all()] == [
        other.enrolment.student_id
    ]
    assert not m.Enrolment.objects.filter(student=student.pk).exists()
    event = m.SchoolYearEvent.objects.first()
    assert (event.kind, event.reason) == ("erased", "order 12/2026")
    assert m.SchoolYear.objects.get(pk=1).is_closed
    with pytest.raises(CommandError, match="no student"):
        call_command("erase_student", "demo", student.registration, "--reason", "again")


def test_student_deleted_by_sql_takes_the_history_along(grade):
    student = m.Student.objects.create(
        network_id=1, registration="x", name="X", birth_date="2015-01-01"
    )
    m.Grade.objects.filter(pk=1).update(tenths=1)
    columns = "at, username, reason, action, student_id"
    _execute(
        f"INSERT INTO school_gradechange ({columns}) SELECT at, '', '', 'changed', {student.pk}"
        " FROM school_gradechange"
    )

    _execute(f"DELETE FROM school_student WHERE id = {student.pk}")

    assert [c.student_id for c in m.GradeChange.objects.all()] == [
        grade.enrolment.student_id
    ]
