from datetime import date

import pytest

from school.access import visible_enrolments
from school.models import (
    Absence,
    ClassSession,
    Enrolment,
    Grade,
    Offering,
    RecoveryGrade,
    Term,
)
from school.records import enrolment_record, enrolment_rows
from school.records.enrolment_rows import ORDER_BY_STUDENT, latest_enrolments
from school.records.years import StudentYears

pytestmark = pytest.mark.django_db

MOVED_STUDENT_ID = 17
"""A student who goes from class 1 to class 2 after the second of four terms."""


def read_years(viewer, **filters):
    enrolments = visible_enrolments(viewer).filter(**filters)
    return StudentYears(enrolments, visible_enrolments(viewer))


def read_year(viewer, **filters):
    (year,) = read_years(viewer, **filters)
    return year


@pytest.mark.parametrize(
    ("module", "bound"),
    [(enrolment_record, "CHUNK_SIZE"), (enrolment_rows, "MAX_QUERY_PARAMETERS")],
)
def test_years_are_the_same_read_by_and_by(admin, monkeypatch, module, bound):
    whole = list(read_years(admin, school_class__in=[1, 2]))

    monkeypatch.setattr(module, bound, 1)

    assert list(read_years(admin, school_class__in=[1, 2])) == whole
    assert len(whole) == Enrolment.objects.filter(school_class__in=[1, 2]).count()


def test_year_holds_what_came_before_it(admin):
    year = read_year(admin, student=MOVED_STUDENT_ID, school_class=2)

    grades = Grade.objects.filter(
        enrolment__student=MOVED_STUDENT_ID, offering__subject=1
    )
    in_order = grades.order_by("term").values_list("tenths", flat=True)
    assert year.record.subjects[1].terms == tuple(in_order)
    assert year.lesson_counts.total == 200
    assert year.record.days.days_outside == 0


def test_year_ends_where_the_student_left(admin):
    year = read_year(admin, student=MOVED_STUDENT_ID, school_class=1)

    assert year.record.subjects[1].terms[2:] == (None, None)
    assert (year.lesson_counts.total, year.record.days.days_outside) == (100, 100)
    assert year.outcome.situation == "class_changed"


def test_year_holds_nothing_that_may_not_be_seen(admin):
    listed = Enrolment.objects.filter(student=MOVED_STUDENT_ID, school_class=2)

    (year,) = StudentYears(listed, listed)

    assert year.record.subjects[1].terms[:2] == (None, None)
    assert year.lesson_counts.total == 100


def test_latest_leaves_out_what_another_goes_on_from(admin):
    of_student = Enrolment.objects.filter(student=MOVED_STUDENT_ID)

    assert latest_enrolments(of_student).get().school_class_id == 2
    assert (
        latest_enrolments(of_student.filter(school_class=1)).get().school_class_id == 1
    )


def test_two_classes_at_once_are_two_years(admin):
    one = Enrolment.objects.get(student=1)
    Enrolment.objects.create(
        student_id=1,
        school_class_id=3,
        grade_level=one.grade_level,
        diary_number=90,
        entry_date=date(2026, 8, 3),
    )

    assert latest_enrolments(Enrolment.objects.filter(student=1)).count() == 2
    assert [y.lesson_counts.total for y in read_years(admin, student=1)] == [200, 85]


def test_newest_grade_of_a_term_wins(admin):
    new = Enrolment.objects.get(student=MOVED_STUDENT_ID, school_class=2)
    offering = Offering.objects.get(school_class=2, subject=1)
    Grade.objects.create(enrolment=new, offering=offering, term=1, tenths=99)
    Grade.objects.create(enrolment=new, offering=offering, term=2, tenths=None)

    terms = (
        read_year(admin, student=MOVED_STUDENT_ID, school_class=2)
        .record.subjects[1]
        .terms
    )

    assert terms[0] == 99
    assert terms[1] is not None


def test_recovery_counts_without_any_grade_of_a_term(admin):
    new = Enrolment.objects.get(student=1)
    offering = Offering.objects.get(school_class=1, subject=1)
    Grade.objects.filter(enrolment=new, offering=offering).delete()
    RecoveryGrade.objects.filter(enrolment=new, offering=offering).delete()
    RecoveryGrade.objects.create(enrolment=new, offering=offering, tenths=70)

    marks = read_year(admin, student=1).record.subjects[1]

    assert (marks.terms, marks.exam) == ((None,) * 4, 70)


def test_newest_recovery_exam_wins(admin):
    for school_class, tenths in [(2, 65), (1, 40)]:
        RecoveryGrade.objects.create(
            enrolment=Enrolment.objects.get(
                student=MOVED_STUDENT_ID, school_class=school_class
            ),
            offering=Offering.objects.get(school_class=school_class, subject=1),
            tenths=tenths,
        )

    year = read_year(admin, student=MOVED_STUDENT_ID, school_class=2)

    assert year.record.subjects[1].exam == 65


def test_days_elsewhere_that_the_new_class_never_had_make_no_year_longer(admin):
    new = Enrolment.objects.get(student=MOVED_STUDENT_ID, school_class=2)
    before = ClassSession.objects.filter(school_class=2, date__lt=new.entry_date)
    Absence.objects.filter(session__in=before).delete()
    before.delete()

    year = read_year(admin, student=MOVED_STUDENT_ID, school_class=2)

    assert year.record.days.days_outside == 0
    assert year.outcome.attendance.planned_days == year.rules.year_days


def test_what_no_figure_can_use_is_counted_once(admin):
    old = Enrolment.objects.get(student=MOVED_STUDENT_ID, school_class=1)
    offerings = Offering.objects.filter(school_class=1).order_by("subject")
    late, beyond = offerings[0], offerings[1]
    Grade.objects.create(enrolment=old, offering=late, term=3, tenths=50)
    Grade.objects.create(enrolment=old, offering=beyond, term=9, tenths=50)
    day = ClassSession.objects.filter(school_class=1).latest("date")
    Absence.objects.create(enrolment=old, session=day)

    found = read_years(admin, student=MOVED_STUDENT_ID)
    list(found)

    assert found.skipped_records.counts == {
        "grade_after_exit": 1,
        "grade_outside_terms": 1,
        "absence_outside_enrolment": 1,
    }


def test_grade_of_a_subject_that_the_new_class_lacks_is_left_out(admin):
    new = Enrolment.objects.get(student=MOVED_STUDENT_ID, school_class=2)
    offering = Offering.objects.get(school_class=2, subject=3)
    for model in (Grade, RecoveryGrade):
        model.objects.filter(offering=offering).delete()
    offering.delete()

    found = read_years(admin, pk=new.pk)
    (year,) = found

    assert 3 not in year.record.subjects
    given = Grade.objects.filter(
        enrolment__student=MOVED_STUDENT_ID, offering__subject=3, tenths__isnull=False
    )
    assert found.skipped_records.counts == {"subject_not_offered": given.count()}


def test_exam_of_a_subject_that_the_new_class_lacks_is_left_out(admin):
    old = Enrolment.objects.get(student=MOVED_STUDENT_ID, school_class=1)
    RecoveryGrade.objects.filter(enrolment__student=MOVED_STUDENT_ID).delete()
    exam = Offering.objects.get(school_class=1, subject=3)
    RecoveryGrade.objects.create(enrolment=old, offering=exam, tenths=70)
    Grade.objects.filter(offering__school_class=2, offering__subject=3).delete()
    RecoveryGrade.objects.filter(offering__school_class=2).delete()
    Offering.objects.get(school_class=2, subject=3).delete()
    Grade.objects.filter(enrolment=old).delete()

    found = read_years(admin, student=MOVED_STUDENT_ID, school_class=2)
    list(found)

    assert found.skipped_records.counts == {"subject_not_offered": 1}


def test_terms_are_the_most_that_rules_or_calendar_have(admin, network):
    assert read_years(admin).term_count == 4

    year = Term.objects.first().school_year
    year.rules.all().delete()
    Term.objects.filter(number=4).delete()

    assert read_years(admin).term_count == 3
    assert (
        StudentYears(Enrolment.objects.none(), Enrolment.objects.none()).term_count == 0
    )


def test_years_come_in_the_order_that_is_asked_for(admin):
    listed = visible_enrolments(admin)

    by_student = StudentYears(listed, listed, order=ORDER_BY_STUDENT)

    keys = [(year.row.student_id, year.row.entry) for year in by_student]
    expected = listed.order_by("student__sort_key", "student_id", "entry_date")
    assert keys == list(expected.values_list("student_id", "entry_date"))
