"""Records of a closed year: forms and the database refuse to change its results."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Event

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from school import models as m
from school import write_context
from tests.support.environment import DATABASE

pytestmark = pytest.mark.django_db
REFUSED = "closed year"
CHANGES = [
    pytest.param(m.Grade, {"tenths": 1}, id="grade"),
    pytest.param(m.Grade, {"tenths": None}, id="grade emptied"),
    pytest.param(m.RecoveryGrade, {"tenths": 1}, id="recovery grade"),
    pytest.param(m.Absence, {"is_justified": True}, id="absence"),
    pytest.param(m.ClassSession, {"term": 2}, id="school day"),
    pytest.param(m.Enrolment, {"approved_by_council": True}, id="council"),
    pytest.param(m.Enrolment, {"exit_date": date(2026, 12, 1)}, id="exit"),
    pytest.param(m.Enrolment, {"exit_date": date(2026, 12, 1), "ending": "abandoned"}, id="ending"),
    pytest.param(m.Enrolment, {"entry_date": date(2026, 3, 1)}, id="entry"),
    pytest.param(m.Enrolment, {"grade_level_id": 9}, id="level"),
    pytest.param(m.Offering, {"subject_id": 99}, id="subject"),
    pytest.param(m.SchoolClass, {"school_year_id": 9}, id="class moved to an open year"),
    pytest.param(m.Term, {"starts_on": date(2026, 2, 10)}, id="term"),
]  # fmt: skip


@pytest.fixture
def closed_year(network):
    """The demo network's year, closed; year 9 is open, subject 99 is taught nowhere."""
    m.Subject.objects.create(pk=99, code="new", name="New")
    m.SchoolYear.objects.create(
        pk=9, network_id=1, year=2027, starts_on="2026-01-02", ends_on="2027-12-01"
    )
    # What the tests change would be right, were the year not closed.
    first(m.Enrolment).school_class.grade_levels.add(9)
    grade = first(m.Grade)
    m.Grade.objects.filter(
        enrolment=grade.enrolment, offering=grade.offering, term=4
    ).delete()
    m.Absence.objects.update(is_justified=False)
    year = m.SchoolYear.objects.get(pk=1)
    year.is_closed = True
    year.save()
    return year


def first(model):
    if model is m.Enrolment:
        return m.Enrolment.objects.filter(exit_date=None).order_by("pk").first()
    if model is m.Grade:
        return m.Grade.objects.exclude(tenths=None).order_by("pk").first()
    return model.objects.order_by("pk").first()


@pytest.mark.guarantee("The database refuses to change the results of a closed year.")
@pytest.mark.parametrize(("model", "values"), CHANGES)
def test_record_of_closed_year_changed_by_query_is_refused(closed_year, model, values):
    record = first(model)

    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        model.objects.filter(pk=record.pk).update(**values)


@pytest.mark.guarantee("The database refuses to change the results of a closed year.")
@pytest.mark.parametrize(("model", "values"), CHANGES)
def test_record_of_closed_year_is_refused_by_full_clean(closed_year, model, values):
    record = first(model)
    record.full_clean()
    for name, value in values.items():
        setattr(record, name, value)

    with pytest.raises(ValidationError, match="2026 está encerrado"):
        record.full_clean()


@pytest.mark.parametrize(("model", "values"), CHANGES)
def test_same_change_in_open_year_is_accepted(network, model, values):
    m.Subject.objects.create(pk=99, code="new", name="New")
    if "school_year_id" in values:
        m.SchoolYear.objects.create(
            pk=9, network_id=1, year=2027, starts_on="2026-01-02", ends_on="2027-12-01"
        )
        values = {"school_year_id": 9}
    if "grade_level_id" in values:
        first(model).school_class.grade_levels.add(values["grade_level_id"])

    assert model.objects.filter(pk=first(model).pk).update(**values) == 1


@pytest.mark.guarantee("The database refuses to change the results of a closed year.")
@pytest.mark.parametrize(
    "model",
    [m.Grade, m.RecoveryGrade, m.Absence, m.ClassSession, m.Enrolment, m.Offering, m.SchoolClass, m.Term],
)  # fmt: skip
def test_record_of_closed_year_cannot_be_deleted_nor_added_again(closed_year, model):
    record = model.objects.order_by("-pk").first()
    record_copy = model.objects.get(pk=record.pk)
    record_copy.pk = None
    record_copy._state.adding = True
    for name, value in {
        "term": 9, "diary_number": 99, "date": date(2026, 12, 24), "name": "X", "subject_id": 99, "student_id": 1, "number": 9,
    }.items():  # fmt: skip
        if hasattr(record_copy, name):
            setattr(record_copy, name, value)
    if model in (m.RecoveryGrade, m.Absence):
        with write_context.erasing():
            record.delete()  # the copy would be a second one

    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        model.objects.bulk_create([record_copy])
    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        model.objects.filter(pk=model.objects.first().pk)._raw_delete("default")


@pytest.mark.guarantee("The database refuses to change the results of a closed year.")
def test_plain_sql_on_closed_year_is_refused(closed_year):
    statements = [
        "UPDATE school_grade SET tenths = 10 WHERE id = (SELECT MIN(id) FROM school_grade)",
        "UPDATE school_grade SET tenths = 10",
        "DELETE FROM school_absence",
    ]
    if DATABASE == "sqlite":
        statements.append(
            "INSERT OR REPLACE INTO school_grade (id, term, tenths, enrolment_id, offering_id)"
            " SELECT id, term, 1, enrolment_id, offering_id"
            " FROM school_grade LIMIT 1"
        )
    for statement in statements:
        with (
            pytest.raises(IntegrityError, match=REFUSED),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_what_decides_no_result_may_change_in_closed_year(closed_year):
    enrolment = first(m.Enrolment)
    enrolment.diary_number = 77
    enrolment.full_clean()
    enrolment.save()
    offering = m.Offering.objects.first()
    offering.hours = 99
    offering.full_clean()
    offering.save()

    assert m.SchoolClass.objects.filter(pk=1).update(name="Renamed class") == 1


def test_grade_moved_out_of_closed_year_is_refused(closed_year):
    """Both the year that a record leaves and the one that it enters must be open."""
    school_class = m.SchoolClass.objects.create(
        school_id=1, school_year_id=9, name="Next", shift="morning"
    )
    offering = m.Offering.objects.create(school_class=school_class, subject_id=1)
    enrolment = m.Enrolment.objects.create(
        student_id=1, school_class=school_class, grade_level_id=1, diary_number=1,
        entry_date="2026-12-01",
    )  # fmt: skip
    target = {"enrolment": enrolment, "offering": offering}
    grade = m.Grade.objects.create(**target, term=1, tenths=50)
    old = first(m.Grade)

    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        m.Grade.objects.filter(pk=old.pk).update(**target, term=2)
    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        m.Grade.objects.filter(pk=grade.pk).update(
            enrolment=old.enrolment_id, offering=old.offering_id, term=4
        )
    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        m.SchoolClass.objects.filter(pk=school_class.pk).update(school_year=1)


@pytest.mark.guarantee("A closed year is reopened with a reason only, which is kept.")
def test_closed_year_reopens_with_reason_only(closed_year, admin):
    for reason in (None, " "):
        with (
            pytest.raises(IntegrityError, match="with a reason"),
            transaction.atomic(),
            write_context.acting(reason=reason),
        ):
            m.SchoolYear.objects.update(is_closed=False)
    closed_year.is_closed = False
    with pytest.raises(ValidationError, match="justificativa"):
        closed_year.full_clean()

    with write_context.acting(admin):
        closed_year.reopen("a grade was missing")
    m.Grade.objects.filter(pk=first(m.Grade).pk).update(tenths=1)
    m.SchoolYear.objects.update(is_closed=True)

    events = m.SchoolYearEvent.objects.filter(school_year=closed_year).order_by("pk")
    assert [(e.kind, e.username, e.user_id) for e in events] == [
        ("closed", "", None), ("reopened", "admin", admin.pk), ("closed", "", None),
    ]  # fmt: skip
    assert events[1].reason == "a grade was missing"
    assert {event.school_year_id for event in events} == {1}


def test_closed_year_keeps_its_dates_and_cannot_be_deleted(closed_year):
    for values in (
        {"year": 2025, "period": "9"},
        {"ends_on": "2026-12-30"},
        {"period": "1"},
    ):
        with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
            m.SchoolYear.objects.filter(pk=1).update(**values)
    closed_year.ends_on += timedelta(days=1)
    with pytest.raises(ValidationError, match="mantém"):
        closed_year.full_clean()
    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        m.SchoolYear.objects.filter(pk=1)._raw_delete("default")


@pytest.mark.guarantee("The audit entries of closed years and grades never change.")
def test_events_and_changes_are_never_changed(closed_year):
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        m.SchoolYearEvent.objects.update(reason="another")


@pytest.mark.skipif(
    DATABASE == "sqlite", reason="SQLite has one writer at a time: there is no race"
)
@pytest.mark.guarantee("The database refuses to change the results of a closed year.")
def test_closing_waits_for_a_grade_that_is_being_written(  # noqa: PLR0915  (two threads)
    transactional_db, network
):
    has_written, is_closing = Event(), Event()
    grade = m.Grade.objects.order_by("pk").first()
    grades = m.Grade.objects.filter(pk=grade.pk)

    def write():
        try:
            with transaction.atomic():
                grades.update(tenths=11)
                has_written.set()
                is_closing.wait(5)
                # The other connection waits for this transaction now, or is about to.
                assert not m.SchoolYear.objects.get(pk=1).is_closed
        finally:
            connection.close()

    def close():
        try:
            has_written.wait(5)
            is_closing.set()
            m.SchoolYear.objects.filter(pk=1).update(is_closed=True)
            return grades.get().tenths
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        writing, closing = pool.submit(write), pool.submit(close)
        writing.result()
        assert closing.result() == 11
    with pytest.raises(IntegrityError, match=REFUSED):
        grades.update(tenths=12)


@pytest.mark.django_db(transaction=True)
def test_flush_empties_a_database_with_closed_years(transactional_db, network):
    m.SchoolYear.objects.update(is_closed=True)  # the teardown flushes, too

    call_command("flush", "--no-input", verbosity=0)

    assert not m.Network.objects.exists()
