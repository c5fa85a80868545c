import pytest

from school import access
from school.models import Attachment, Enrolment, Role, SchoolClass, Student, User
from school.scope import Scope

pytestmark = pytest.mark.django_db


def visible_class_ids(user):
    return set(access.visible_classes(user).values_list("pk", flat=True))


def test_administrator_sees_whole_network(admin):
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


def test_guardian_sees_their_children_only(guardian):
    assert set(access.visible_students(guardian).values_list("pk", flat=True)) == {
        1,
        27,
    }
    student_ids = access.visible_enrolments(guardian).values_list("student", flat=True)
    assert set(student_ids) == {1, 27}
    assert Student.objects.filter(enrolments__school_class=1).count() > 1


def test_moved_student_is_visible_to_each_school_in_part(network, stranger, secretary):
    moved = Student.objects.get(pk=67)
    new_enrolment = moved.enrolments.filter(school_class__school=3).get()
    old_enrolment = moved.enrolments.filter(school_class__school=2).get()

    assert set(access.visible_enrolments(stranger).filter(student=moved)) == {
        old_enrolment
    }
    assert not access.visible_enrolments(secretary).filter(student=moved).exists()
    assert old_enrolment.exit_date == new_enrolment.entry_date


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


def test_attachment_of_another_role_gives_no_access(guardian):
    Attachment.objects.create(user=guardian, network_id=1)

    assert set(access.visible_students(guardian).values_list("pk", flat=True)) == {
        1,
        27,
    }


def test_scope_contains_the_attachments_used(teacher, admin):
    class_enrolments = access.visible_enrolments(teacher).filter(school_class=1)

    assert access.scope_of(teacher, class_enrolments) == Scope("teacher", (1,))
    assert access.scope_of(admin, access.visible_enrolments(admin)) == Scope(
        "administrator", (1,)
    )


def test_scope_is_visible_until_its_attachment_is_lost(teacher):
    scope = Scope("teacher", (1,))
    assert access.can_still_see(teacher, scope)

    Attachment.objects.filter(user=teacher, school_class=2).delete()
    assert access.can_still_see(teacher, scope)
    Attachment.objects.filter(user=teacher, school_class=1).delete()
    assert not access.can_still_see(teacher, scope)


@pytest.mark.guarantee("A user's access version never decreases.")
def test_access_version_increases_on_rights_changes_only(teacher):
    def access_version_now():
        return User.objects.values_list("access_version", flat=True).get(pk=teacher.pk)

    before = access_version_now()
    teacher.save(update_fields=["last_login"])
    assert access_version_now() == before
    attachment = Attachment.objects.create(
        user=teacher, school_class=SchoolClass.objects.get(pk=4)
    )
    assert access_version_now() == before + 1
    attachment.delete()
    assert access_version_now() == before + 2
    teacher.email = "new@example.org"
    teacher.save()
    assert access_version_now() == before + 2
    teacher.role = Role.GUARDIAN
    teacher.save()
    assert access_version_now() == before + 3
    teacher.is_superuser = True
    teacher.save(update_fields=["is_superuser"])
    assert access_version_now() == before + 4
    Attachment.objects.filter(user=teacher, school_class=2).delete()
    assert access_version_now() == before + 5


def test_superuser_is_created_as_administrator(network):
    user = User.objects.create_superuser("first", password="first")

    assert user.role == Role.ADMINISTRATOR
    assert access.visible_enrolments(user).count() == Enrolment.objects.count()


def test_access_version_of_both_users_increases_on_transfer(teacher, guardian):
    before = teacher.access_version, guardian.access_version

    for attachment in Attachment.objects.filter(user=teacher):
        attachment.user = guardian
        attachment.save()

    teacher.refresh_from_db()
    guardian.refresh_from_db()
    assert teacher.access_version > before[0]
    assert guardian.access_version > before[1]
