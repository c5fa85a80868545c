import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import translation

from school import models as m

pytestmark = pytest.mark.django_db

INVALID_ROWS = [
    pytest.param(m.Grade, {"tenths": 101}, id="grade above 10"),
    pytest.param(m.Grade, {"tenths": -1}, id="grade below 0"),
    pytest.param(m.Grade, {"term": 0}, id="grade in no term"),
    pytest.param(m.Enrolment, {"exit_date": "2020-01-01"}, id="exit before entry"),
    pytest.param(m.Enrolment, {"diary_number": 0}, id="diary number zero"),
    pytest.param(m.SchoolYear, {"ends_on": "2020-01-01"}, id="year ends before it starts"),
    pytest.param(m.RecoveryGrade, {"tenths": 101}, id="recovery above 10"),
    pytest.param(m.Enrolment, {"exit_date": None, "ending": "abandoned"}, id="ending without exit"),
    pytest.param(m.Enrolment, {"exit_date": "2027-01-01", "ending": "bored"}, id="unknown ending"),
    pytest.param(m.Term, {"number": 11}, id="eleventh term"),
    pytest.param(m.Term, {"ends_on": "2020-01-01"}, id="term ends before it starts"),
    pytest.param(m.School, {"inep_code": "1234567"}, id="short INEP code"),
    pytest.param(m.School, {"time_zone": "America/Acre"}, id="unknown time zone of a school"),
    pytest.param(m.Network, {"time_zone": "america/manaus"}, id="unknown time zone of a network"),
    pytest.param(m.SchoolClass, {"shift": "dawn"}, id="unknown shift"),
    pytest.param(m.SchoolClass, {"kind": "other"}, id="unknown kind of class"),
    pytest.param(m.User, {"role": "king"}, id="unknown role"),
    pytest.param(m.ClassSession, {"term": 0}, id="session in no term"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "values"), INVALID_ROWS)
def test_invalid_row_is_refused_by_the_database(network, model, values):
    one = model.objects.order_by("pk").first()

    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.filter(pk=one.pk).update(**values)


@pytest.mark.parametrize(
    "model",
    [
        m.Grade, m.RecoveryGrade, m.Enrolment, m.Offering, m.ClassSession, m.Absence, m.Term,
        m.SchoolYear, m.Student, m.RuleProfile, m.RuleVersion, m.YearRules, m.PriorSubject,
    ],
)  # fmt: skip
def test_duplicate_row_is_refused_by_the_database(network, model):
    duplicate = model.objects.order_by("pk").first()
    duplicate.pk = None
    duplicate._state.adding = True

    with pytest.raises(IntegrityError), transaction.atomic():
        duplicate.save()


def test_attachment_without_exactly_one_target_is_refused(teacher):
    for targets in ({}, {"school_id": 1, "network_id": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            m.Attachment.objects.create(user=teacher, **targets)


def test_student_with_enrolments_cannot_be_deleted(network):
    with pytest.raises(ProtectedError):
        m.Student.objects.first().delete()


@pytest.mark.guarantee("The database keeps grades and absences in their class.")
@pytest.mark.parametrize(
    ("model", "values"),
    [
        pytest.param(m.Grade, {"offering": 31}, id="grade in a subject of another class"),
        pytest.param(m.Grade, {"enrolment": 60}, id="grade of a student of another class"),
        pytest.param(m.RecoveryGrade, {"offering": 31}, id="recovery in a subject of another class"),
        pytest.param(m.Absence, {"session": 700}, id="absence on a day of another class"),
        pytest.param(m.Enrolment, {"school_class": 2, "diary_number": 99}, id="enrolment with grades moved"),
        pytest.param(m.Offering, {"school_class": 2, "subject": 99}, id="offering with grades moved"),
        pytest.param(m.ClassSession, {"school_class": 2, "date": "2026-12-30"}, id="session with absences moved"),
    ],
)  # fmt: skip
def test_record_of_another_class_is_refused_by_the_database(network, model, values):
    m.Subject.objects.create(pk=99, code="new", name="New")
    one = model.objects.order_by("pk").first()
    if model is m.ClassSession:
        one = m.Absence.objects.filter(enrolment__school_class=1).first().session

    with pytest.raises(IntegrityError, match="another class"), transaction.atomic():
        model.objects.filter(pk=one.pk).update(**values)


def test_new_grade_of_another_class_is_refused(network):
    m.Grade.objects.filter(offering=31, term=4).delete()

    with pytest.raises(IntegrityError, match="another class"), transaction.atomic():
        m.Grade.objects.create(enrolment_id=1, offering_id=31, term=4, tenths=70)


def test_enrolment_without_grades_may_change_its_class(network):
    student = m.Student.objects.first()
    enrolment = m.Enrolment.objects.create(
        student=student, school_class_id=3, grade_level_id=2, diary_number=90,
        entry_date="2026-02-09",
    )  # fmt: skip

    enrolment.school_class_id = 4
    enrolment.save()

    assert m.Enrolment.objects.get(pk=enrolment.pk).school_class_id == 4


def test_full_clean_of_grade_of_another_class_raises(network):
    grade = m.Grade(enrolment_id=1, offering_id=31, term=4, tenths=70)

    with (
        translation.override("en"),
        pytest.raises(ValidationError, match="not offered in the class"),
    ):
        grade.full_clean()
