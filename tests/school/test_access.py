import pytest

from school import access
from school.models import Attachment, Enrolment, Role, SchoolClass, Student, User

pytestmark = pytest.mark.django_db


def visible_class_ids(user):
    return set(access.visible_classes(user).values_list("pk", flat=True))


def test_administrator_sees_the_network(admin):
    assert access.visible_enrolments(admin).count() == Enrolment.objects.count()
    assert visible_class_ids(admin) == {1, 2, 3, 4}


def test_staff_sees_their_schools(secretary, stranger):
    assert visible_class_ids(secretary) == {1, 2}
    assert visible_class_ids(stranger) == {3}
    schools = access.visible_enrolments(secretary).values_list("school_class__school")
    assert set(schools) == {(1,)}


def test_teacher_sees_their_classes(teacher):
    assert visible_class_ids(teacher) == {1, 2}
    Attachment.objects.filter(user=teacher, school_class=2).delete()
    assert visible_class_ids(teacher) == {1}


def test_guardian_sees_their_children_and_no_class_mate(guardian):
    assert set(access.visible_students(guardian).values_list("pk", flat=True)) == {
        1,
        27,
    }
    seen = access.visible_enrolments(guardian).values_list("student", flat=True)
    assert set(seen) == {1, 27}
    assert Student.objects.filter(enrolments__school_class=1).count() > 1


def test_student_who_moved_shows_each_school_its_own_part(network, stranger, secretary):
    moved = Student.objects.get(pk=67)
    there = moved.enrolments.filter(school_class__school=3).get()
    here = moved.enrolments.filter(school_class__school=2).get()

    assert set(access.visible_enrolments(stranger).filter(student=moved)) == {here}
    assert not access.visible_enrolments(secretary).filter(student=moved).exists()
    assert here.exit_date == there.entry_date


def test_inactive_user_sees_nothing(admin):
    admin.is_active = False
    admin.save()

    assert not access.visible_enrolments(admin).exists()
    assert not access.visible_schools(admin).exists()


def test_user_without_attachments_sees_nothing(network):
    for role in Role:
        user = User.objects.create(username=f"new-{role}", role=role)
        assert not access.visible_enrolments(user).exists()
        assert visible_class_ids(user) == set()


def test_attachment_of_another_role_gives_nothing(guardian):
    Attachment.objects.create(user=guardian, network_id=1)

    assert set(access.visible_students(guardian).values_list("pk", flat=True)) == {
        1,
        27,
    }


def test_scope_is_what_was_seen_through(teacher, admin):
    of_class = access.visible_enrolments(teacher).filter(school_class=1)

    assert access.scope_of(teacher, of_class) == access.Scope("teacher", (1,))
    assert access.scope_of(admin, access.visible_enrolments(admin)) == access.Scope(
        "administrator", (1,)
    )


def test_scope_is_seen_until_its_attachment_or_role_is_lost(teacher):
    scope = access.Scope("teacher", (1,))
    assert access.can_still_see(teacher, scope)

    Attachment.objects.filter(user=teacher, school_class=2).delete()
    assert access.can_still_see(teacher, scope)
    Attachment.objects.filter(user=teacher, school_class=1).delete()
    assert not access.can_still_see(teacher, scope)


@pytest.mark.guarantee("A user's access version never decreases.")
def test_stamp_rises_with_every_change_of_rights_and_not_by_logging_in(teacher):
    def stamp():
        return User.objects.values_list("access_version", flat=True).get(pk=teacher.pk)

    before = stamp()
    teacher.save(update_fields=["last_login"])
    assert stamp() == before
    attachment = Attachment.objects.create(
        user=teacher, school_class=SchoolClass.objects.get(pk=4)
    )
    assert stamp() == before + 1
    attachment.delete()
    assert stamp() == before + 2
    teacher.email = "new@example.org"
    teacher.save()
    assert stamp() == before + 2
    teacher.role = Role.GUARDIAN
    teacher.save()
    assert stamp() == before + 3
    teacher.is_superuser = True
    teacher.save(update_fields=["is_superuser"])
    assert stamp() == before + 4
    Attachment.objects.filter(user=teacher, school_class=2).delete()
    assert stamp() == before + 5


def test_first_user_is_an_administrator(network):
    user = User.objects.create_superuser("first", password="first")

    assert user.role == Role.ADMINISTRATOR
    assert access.visible_enrolments(user).count() == Enrolment.objects.count()


def test_stamp_rises_where_an_attachment_goes_to_somebody_else(teacher, guardian):
    before = teacher.access_version, guardian.access_version

    for attachment in Attachment.objects.filter(user=teacher):
        attachment.user = guardian
        attachment.save()

    teacher.refresh_from_db()
    guardian.refresh_from_db()
    assert teacher.access_version > before[0]
    assert guardian.access_version > before[1]
