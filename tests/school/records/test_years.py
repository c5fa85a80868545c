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
    SchoolClass,
    Term,
)
from school.records import enrolment_record, enrolment_rows
from school.records.enrolment_rows import ORDER_BY_STUDENT
from school.records.years import StudentYears
from school.year_members import latest_enrolments
from tests.support.earlier_release import earlier_release

pytestmark = pytest.mark.django_db

MOVED_STUDENT_ID = 17
"""Student who moves from class 1 to class 2 after the second of four terms."""


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
def test_years_read_in_chunks_are_equal(admin, monkeypatch, module, bound):
    whole = list(read_years(admin, school_class__in=[1, 2]))

    monkeypatch.setattr(module, bound, 1)

    assert list(read_years(admin, school_class__in=[1, 2])) == whole
    assert len(whole) == Enrolment.objects.filter(school_class__in=[1, 2]).count()


def test_year_includes_previous_class(admin):
    year = read_year(admin, student=MOVED_STUDENT_ID, school_class=2)

    grades = Grade.objects.filter(
        enrolment__student=MOVED_STUDENT_ID, offering__subject=1
    )
    in_order = grades.order_by("term").values_list("tenths", flat=True)
    assert year.record.subjects[1].terms == tuple(in_order)
    assert year.lesson_counts.total == 200
    assert year.record.days.days_outside == 0


def test_year_ends_at_the_exit_date(admin):
    year = read_year(admin, student=MOVED_STUDENT_ID, school_class=1)

    assert year.record.subjects[1].terms[2:] == (None, None)
    assert (year.lesson_counts.total, year.record.days.days_outside) == (100, 100)
    assert year.outcome.situation == "class_changed"


def test_year_omits_unreachable_enrolments(admin):
    listed = Enrolment.objects.filter(student=MOVED_STUDENT_ID, school_class=2)

    (year,) = StudentYears(listed, listed)

    assert year.record.subjects[1].terms[:2] == (None, None)
    assert year.lesson_counts.total == 100


def test_latest_enrolments_omit_predecessors(admin):
    of_student = Enrolment.objects.filter(student=MOVED_STUDENT_ID)

    assert latest_enrolments(of_student).get().school_class_id == 2
    assert (
        latest_enrolments(of_student.filter(school_class=1)).get().school_class_id == 1
    )


def test_year_of_two_parallel_classes_is_counted_once(admin):
    one = Enrolment.objects.get(student=1)
    SchoolClass.objects.get(pk=3).grade_levels.add(one.grade_level)
    Enrolment.objects.create(
        student_id=1,
        school_class_id=3,
        grade_level=one.grade_level,
        diary_number=90,
        entry_date=date(2026, 8, 3),
    )

    of_student = Enrolment.objects.filter(student=1)
    assert latest_enrolments(of_student).get().school_class_id == 3
    # Alone the first has its 200 days; the last has those of both, each day once.
    assert [y.lesson_counts.total for y in read_years(admin, student=1)] == [200, 200]


def test_year_uses_newest_grade_of_a_term(admin):
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


def test_year_with_exam_only_has_the_exam(admin):
    new = Enrolment.objects.get(student=1)
    offering = Offering.objects.get(school_class=1, subject=1)
    Grade.objects.filter(enrolment=new, offering=offering).delete()
    RecoveryGrade.objects.filter(enrolment=new, offering=offering).delete()
    RecoveryGrade.objects.create(enrolment=new, offering=offering, tenths=70)

    subject_grades = read_year(admin, student=1).record.subjects[1]

    assert (subject_grades.terms, subject_grades.exam) == ((None,) * 4, 70)


def test_year_uses_newest_recovery_exam(admin):
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


def test_days_in_previous_class_do_not_extend_the_year(admin):
    new = Enrolment.objects.get(student=MOVED_STUDENT_ID, school_class=2)
    before = ClassSession.objects.filter(school_class=2, date__lt=new.entry_date)
    Absence.objects.filter(session__in=before).delete()
    before.delete()

    year = read_year(admin, student=MOVED_STUDENT_ID, school_class=2)

    assert year.record.days.days_outside == 0
    assert year.outcome.attendance.planned_days == year.rules.year_days


def test_skipped_records_are_counted_once(admin):
    old = Enrolment.objects.get(student=MOVED_STUDENT_ID, school_class=1)
    offerings = Offering.objects.filter(school_class=1).order_by("subject")
    first_offering, second_offering = offerings[0], offerings[1]
    day = ClassSession.objects.filter(school_class=1).latest("date")
    with earlier_release():
        Grade.objects.create(enrolment=old, offering=first_offering, term=3, tenths=50)
        Grade.objects.create(enrolment=old, offering=second_offering, term=9, tenths=50)
        Absence.objects.create(enrolment=old, session=day)

    years = read_years(admin, student=MOVED_STUDENT_ID)
    list(years)

    assert years.skipped_records.counts == {
        "grade_after_exit": 1,
        "grade_outside_terms": 1,
        "absence_outside_enrolment": 1,
    }


def test_grade_of_subject_not_offered_is_skipped(admin):
    new = Enrolment.objects.get(student=MOVED_STUDENT_ID, school_class=2)
    offering = Offering.objects.get(school_class=2, subject=3)
    for model in (Grade, RecoveryGrade):
        model.objects.filter(offering=offering).delete()
    offering.delete()

    years = read_years(admin, pk=new.pk)
    (year,) = years

    assert 3 not in year.record.subjects
    skipped_grades = Grade.objects.filter(
        enrolment__student=MOVED_STUDENT_ID, offering__subject=3, tenths__isnull=False
    )
    assert years.skipped_records.counts == {
        "subject_not_offered": skipped_grades.count()
    }


def test_exam_of_subject_not_offered_is_skipped(admin):
    old = Enrolment.objects.get(student=MOVED_STUDENT_ID, school_class=1)
    RecoveryGrade.objects.filter(enrolment__student=MOVED_STUDENT_ID).delete()
    exam = Offering.objects.get(school_class=1, subject=3)
    RecoveryGrade.objects.create(enrolment=old, offering=exam, tenths=70)
    Grade.objects.filter(offering__school_class=2, offering__subject=3).delete()
    RecoveryGrade.objects.filter(offering__school_class=2).delete()
    Offering.objects.get(school_class=2, subject=3).delete()
    Grade.objects.filter(enrolment=old).delete()

    years = read_years(admin, student=MOVED_STUDENT_ID, school_class=2)
    list(years)

    assert years.skipped_records.counts == {"subject_not_offered": 1}


def test_term_count_is_the_maximum_of_rules_and_calendar(admin, network):
    assert read_years(admin).term_count == 4

    year = Term.objects.first().school_year
    Term.objects.filter(number=4).delete()
    year.rules.all().delete()

    assert read_years(admin).term_count == 3
    assert (
        StudentYears(Enrolment.objects.none(), Enrolment.objects.none()).term_count == 0
    )


def test_years_follow_the_requested_order(admin):
    listed = visible_enrolments(admin)

    by_student = StudentYears(listed, listed, order=ORDER_BY_STUDENT)

    keys = [(year.row.student_id, year.row.entry) for year in by_student]
    expected = listed.order_by("student__sort_key", "student_id", "entry_date")
    assert keys == list(expected.values_list("student_id", "entry_date"))
