import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from school import models as m

pytestmark = pytest.mark.django_db

WRONG = [
    pytest.param(m.Grade, {"tenths": 101}, id="grade above 10"),
    pytest.param(m.Grade, {"tenths": -1}, id="grade below 0"),
    pytest.param(m.Grade, {"term": 0}, id="grade in no term"),
    pytest.param(m.Enrolment, {"exit_date": "2020-01-01"}, id="exit before entry"),
    pytest.param(m.Enrolment, {"diary_number": 0}, id="diary number zero"),
    pytest.param(m.SchoolYear, {"ends_on": "2020-01-01"}, id="year ends before it starts"),
    pytest.param(m.SchoolYear, {"pass_tenths": 101}, id="pass mark above 10"),
    pytest.param(m.Term, {"number": 11}, id="eleventh term"),
    pytest.param(m.Term, {"ends_on": "2020-01-01"}, id="term ends before it starts"),
    pytest.param(m.School, {"inep_code": "1234567"}, id="short INEP code"),
    pytest.param(m.SchoolClass, {"shift": "dawn"}, id="unknown shift"),
    pytest.param(m.User, {"role": "king"}, id="unknown role"),
    pytest.param(m.ClassSession, {"term": 0}, id="session in no term"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "values"), WRONG)
def test_database_itself_refuses(network, model, values):
    one = model.objects.order_by("pk").first()

    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.filter(pk=one.pk).update(**values)


@pytest.mark.parametrize(
    "model",
    [m.Grade, m.Enrolment, m.Offering, m.ClassSession, m.Absence, m.Term, m.SchoolYear, m.Student],
)  # fmt: skip
def test_database_refuses_the_same_thing_twice(network, model):
    twin = model.objects.order_by("pk").first()
    twin.pk = None
    twin._state.adding = True

    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_attachment_has_exactly_one_target(teacher):
    for targets in ({}, {"school_id": 1, "network_id": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            m.Attachment.objects.create(user=teacher, **targets)


def test_student_with_enrolments_cannot_be_deleted(network):
    with pytest.raises(ProtectedError):
        m.Student.objects.first().delete()
