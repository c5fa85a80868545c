import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school import access
from school.models import (
    Attachment,
    Enrolment,
    Network,
    Role,
    School,
    SchoolClass,
    SchoolYear,
    User,
)
from school.year_members import SEEN_UNTIL
from tests.support.earlier_release import earlier_release
from tests.support.school_factory import create_student, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(network):
    return create_student("Ana")


@pytest.fixture
def create_class(network):
    """Function that returns the class of a school and year, created on first use."""

    def create_class(school, year):
        school_year, _ = SchoolYear.objects.get_or_create(
            network=School.objects.get(pk=school).network,
            year=year,
            defaults={"starts_on": f"{year}-02-01", "ends_on": f"{year}-12-20"},
        )
        return SchoolClass.objects.get_or_create(
            school_id=school, school_year=school_year, name="own", shift="morning"
        )[0]

    return create_class


@pytest.fixture
def enrol(ana, create_class):
    def enrol(school, entry, exit=None, student=ana):
        year = datetime.date.fromisoformat(entry).year
        school_class = create_class(school, year)
        return Enrolment.objects.create(
            student=student,
            school_class=school_class,
            grade_level_id=1,
            diary_number=school_class.enrolments.count() + 1,
            entry_date=entry,
            exit_date=exit,
        )

    return enrol


def create_staff(school):
    return create_user(Role.STAFF, username=f"staff-{school}", school_id=[school])


def visible_history(viewer, student):
    visible = access.visible_enrolments(viewer).filter(student=student)
    return set(access.full_history(viewer, visible))


def test_history_for_old_school_ends_at_exit(ana, enrol):
    first = enrol(1, "2024-02-05", "2024-12-20")
    before = enrol(2, "2025-02-05", "2025-06-02")
    after = enrol(3, "2025-06-02")

    assert visible_history(create_staff(3), ana) == {first, before, after}
    assert visible_history(create_staff(2), ana) == {first, before}
    assert visible_history(create_staff(1), ana) == {first}


def test_history_for_school_of_returned_student_is_complete(ana, enrol):
    first = enrol(1, "2024-02-05", "2024-06-03")
    away = enrol(2, "2024-06-03", "2025-03-03")
    assert visible_history(create_staff(1), ana) == {first}

    back = enrol(1, "2025-03-03")

    assert visible_history(User.objects.get(username="staff-1"), ana) == {
        first,
        away,
        back,
    }


@pytest.mark.guarantee(
    "A school does not see enrolments that began after a student left it."
)
def test_history_after_second_exit_is_hidden(ana, enrol):
    first = enrol(1, "2024-02-05", "2024-06-03")
    away = enrol(2, "2024-06-03", "2024-09-02")
    back = enrol(1, "2024-09-02", "2024-12-20")
    gone = enrol(3, "2025-02-05")

    assert visible_history(create_staff(1), ana) == {first, away, back}
    assert gone in visible_history(create_staff(3), ana)


def test_history_without_exit_date_ends_with_the_year(ana, enrol):
    first = enrol(1, "2024-02-05")
    extra = enrol(3, "2024-12-20", "2025-01-10")
    after = enrol(2, "2025-02-05")
    with earlier_release():
        late = enrol(1, "2025-12-22")

    assert visible_history(create_staff(3), ana) == {first, extra}
    assert visible_history(create_staff(2), ana) == {first, extra, after}  # not late
    assert visible_history(create_staff(1), ana) == {first, extra, after, late}
    late.delete()
    assert visible_history(User.objects.get(username="staff-1"), ana) == {first, extra}


def test_history_without_exit_date_has_other_years_until_the_own_year_ends(ana, enrol):
    first = enrol(1, "2024-02-05")
    moved = enrol(3, "2025-02-05")
    SchoolYear.objects.filter(classes__enrolments=first).update(ends_on="2025-02-28")
    viewer = create_staff(1)
    visible = access.visible_enrolments(viewer).filter(student=ana)

    history = access.full_history(viewer, visible)

    assert dict(history.values_list("pk", SEEN_UNTIL)) == {
        first.pk: None,
        moved.pk: datetime.date(2025, 2, 28),
    }


def test_history_of_student_in_two_schools_is_complete_for_the_last(ana, enrol):
    one = enrol(1, "2025-02-05")
    other = enrol(2, "2025-03-03")

    assert visible_history(create_staff(1), ana) == {one}
    assert visible_history(create_staff(2), ana) == {one, other}


def test_history_for_left_one_of_two_schools_ends_at_exit(ana, enrol):
    one = enrol(1, "2025-02-05", "2025-06-02")
    other = enrol(2, "2025-03-03")
    later = enrol(3, "2025-06-02")

    assert visible_history(create_staff(1), ana) == {one}
    assert visible_history(create_staff(2), ana) == {one, other}
    assert visible_history(create_staff(3), ana) == {one, other, later}


def test_history_for_guardian_is_complete(ana, enrol, guardian):
    all_enrolments = {
        enrol(1, "2024-02-05", "2024-12-20"),
        enrol(2, "2025-02-05", "2025-06-02"),
    }
    Attachment.objects.create(user=guardian, student=ana)

    assert visible_history(guardian, ana) == all_enrolments


def test_history_omits_other_networks(ana, enrol):
    here = enrol(1, "2025-02-05")
    other = Network.objects.create(code="other", name="Other")
    school = School.objects.create(network=other, inep_code="99000000", name="X")
    with earlier_release():
        there = enrol(school.pk, "2024-02-05", "2024-12-20")

    assert visible_history(create_staff(1), ana) == {here}
    assert there in Enrolment.objects.filter(student=ana)


def test_history_scope_contains_own_attachments_only(ana, enrol):
    enrol(2, "2024-02-05", "2024-12-20")
    enrol(1, "2025-02-05")
    viewer = create_staff(1)
    visible = access.visible_enrolments(viewer).filter(student=ana)

    scope = access.scope_of(viewer, access.full_history(viewer, visible))

    assert scope.ids == (1,)
    assert access.can_still_see(viewer, scope)


def test_history_contains_selected_students_only(secretary):
    visible = access.visible_enrolments(secretary).filter(student=1)

    history = access.full_history(secretary, visible)

    assert set(history) == set(Enrolment.objects.filter(student=1))


def test_history_for_inactive_user_is_empty(ana, enrol, secretary):
    enrol(1, "2025-02-05")
    everything = Enrolment.objects.all()
    User.objects.filter(pk=secretary.pk).update(is_active=False)
    secretary.refresh_from_db()

    assert not access.full_history(secretary, everything).exists()
    assert not access.same_year(secretary, everything).exists()


def test_same_year_contains_what_came_before_in_the_year(ana, enrol, admin):
    last_year = enrol(1, "2024-02-05", "2024-12-20")
    before = enrol(1, "2025-02-05", "2025-06-02")
    after = enrol(1, "2025-06-02", "2025-09-01")
    elsewhere = enrol(2, "2025-09-01")
    listed = Enrolment.objects.filter(pk__in=[last_year.pk, after.pk])
    last = Enrolment.objects.filter(pk=elsewhere.pk)

    for viewer in (create_staff(1), admin):
        assert set(access.same_year(viewer, listed)) == {last_year, before, after}
    for viewer in (create_staff(2), admin):
        assert set(access.same_year(viewer, last)) == {before, after, elsewhere}


def test_history_and_same_year_take_one_query_each(admin):
    for find in (access.full_history, access.same_year):
        with CaptureQueriesContext(connection) as queries:
            assert list(find(admin, access.visible_enrolments(admin)))
        assert len(queries) == 1
