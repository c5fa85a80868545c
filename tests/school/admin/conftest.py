"""Viewers of the admin with all permissions of Django, and a second network."""

import datetime
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission

from school import models as m
from school.grading.rules import Rules
from tasks.models import AccessLogEntry
from tests.school.admin.reach_oracle import CLASS, NETWORK, SCHOOL
from tests.support.task_factories import queue_task

DAY = datetime.date(2026, 3, 2)


@pytest.fixture(scope="module")
def module_records(create_for_module):
    """The viewers and the second network, made once for all tests of a module."""
    return create_for_module(lambda: (_create_viewers(), _create_rival()))


@pytest.fixture
def viewers(module_records, network):
    """Users by name: a superuser, and three with all permissions but less reach."""
    return module_records[0]


@pytest.fixture
def rival(module_records, network):
    """One record of each model in another network, with its users, a task and a log entry."""
    return module_records[1]


def _create_viewers():
    users = {"superuser": m.User.objects.get(username="admin")}
    for name, role, target in [
        ("manager", "administrator", {"network_id": NETWORK}),
        ("secretary", "staff", {"school_id": SCHOOL}),
        ("teacher", "teacher", {"school_class_id": CLASS}),
    ]:
        user, _ = m.User.objects.update_or_create(
            username=name, defaults={"role": role, "is_staff": True}
        )
        user.attachments.all().delete()
        m.Attachment.objects.create(user=user, **target)
        user.user_permissions.set(Permission.objects.all())
        users[name] = user
    return users


def _create_rival():
    # The demo network has none.
    m.Exemption.objects.create(enrolment_id=1, offering_id=1, reason="Laudo")
    rival = m.Network.objects.create(code="rival", name="Rival network")
    school = m.School.objects.create(
        network=rival, inep_code="99999999", name="Rival school"
    )
    year = m.SchoolYear.objects.create(
        network=rival, year=2026, starts_on=DAY, ends_on=datetime.date(2026, 12, 18)
    )
    profile = m.RuleProfile.objects.create(
        network=rival, code="own", name="Rival rules"
    )
    profile.revise(Rules(terms=4, pass_mark="6.0"))
    school_class = m.SchoolClass.objects.create(
        school=school, school_year=year, name="Rival class", shift="morning"
    )
    school_class.grade_levels.add(1)
    offering = m.Offering.objects.create(school_class=school_class, subject_id=1)
    student = m.Student.objects.create(
        network=rival, registration="R1", name="Rival Pupil", birth_date="2015-05-05"
    )
    enrolment = m.Enrolment.objects.create(
        student=student, school_class=school_class, grade_level_id=1, diary_number=1,
        entry_date=DAY,
    )  # fmt: skip
    session = m.ClassSession.objects.create(school_class=school_class, date=DAY, term=1)
    user = m.User.objects.create(
        username="rival-secretary", role="staff", first_name="Rival"
    )
    m.Attachment.objects.create(user=user, school=school)
    task = queue_task(user, {"class_id": school_class.pk})
    grade = m.Grade.objects.create(
        enrolment=enrolment, offering=offering, term=1, tenths=60
    )
    m.Grade.objects.filter(pk=grade.pk).update(tenths=70)
    records = [
        rival, school, year, profile, school_class, offering, student, enrolment,
        grade, m.GradeChange.objects.get(enrolment=enrolment),
        m.RecoveryGrade.objects.create(enrolment=enrolment, offering=offering, tenths=60),
        m.Exemption.objects.create(enrolment=enrolment, offering=offering, reason="Rival"),
        m.PriorYear.objects.create(
            student=student, year=2024, grade_level="1", school="Rival past", result="x"
        ),
        session, m.Absence.objects.create(enrolment=enrolment, session=session), user,
        task, AccessLogEntry.objects.get(viewer=user),
    ]  # fmt: skip
    return SimpleNamespace(
        **{type(record)._meta.model_name: record for record in records},
        by_model={type(record): record for record in records},
    )


@pytest.fixture
def log_in(client, viewers):
    """Function that logs a viewer in to the admin and returns the client."""

    def log_in(name):
        client.force_login(viewers[name])
        return client

    return log_in
