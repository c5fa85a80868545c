import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.models import Attachment, Network, Role, School, SchoolClass, Student, User
from tests.support.school_factory import create_user

pytestmark = pytest.mark.django_db

EMPTY_SCOPE = {
    "everything": False, "networks": [], "schools": [], "classes": [], "students": [],
}  # fmt: skip


def get_scope(client):
    return client.get("/me").json()["scope"]


def test_scope_of_teacher_lists_classes(as_user, teacher):
    school = School.objects.get(pk=1).name

    answer = as_user(teacher).get("/me")

    assert answer.json() == {
        "username": "teacher",
        "name": "teacher",
        "roles": ["teacher"],
        "role_labels": ["Docente"],
        "must_change_password": False,
        "scope": {
            **EMPTY_SCOPE,
            "classes": [
                {"class_id": c.pk, "name": c.name, "year": 2026, "school": school}
                for c in SchoolClass.objects.filter(pk__in=(1, 2)).order_by("sort_key")
            ],
        },
    }
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_each_role_has_a_label_in_the_language_of_the_request(
    as_user, teacher, language
):
    labels = {}
    for role in Role:
        User.objects.filter(pk=teacher.pk).update(role=role)
        client = as_user(teacher)
        me = client.get("/me", headers={"Accept-Language": language}).json()
        (labels[role],) = me["role_labels"]
        assert me["roles"] == [role]

    assert labels["guardian"] == {"pt-BR": "Responsável", "en": "Guardian"}[language]
    assert len({*labels.values()}) == len(Role)


def test_scope_of_secretary_lists_schools(as_user, secretary):
    schools = [{"school_id": 1, "name": School.objects.get(pk=1).name}]

    assert get_scope(as_user(secretary)) == {**EMPTY_SCOPE, "schools": schools}


def test_scope_of_guardian_lists_children_in_name_order(as_user, guardian):
    for pk, name in ((1, "Érica"), (27, "Ana")):
        Student.objects.filter(pk=pk).update(name=name, sort_key=name[:1].encode())

    children = [{"student_id": 27, "name": "Ana"}, {"student_id": 1, "name": "Érica"}]

    assert get_scope(as_user(guardian)) == {**EMPTY_SCOPE, "students": children}


@pytest.mark.parametrize("everything", [True, False])
def test_scope_of_administrator_has_everything_flag(as_user, admin, everything):
    User.objects.filter(pk=admin.pk).update(is_superuser=everything)
    networks = [{"network_id": 1, "name": Network.objects.get().name}]

    assert get_scope(as_user(admin)) == {
        **EMPTY_SCOPE, "everything": everything, "networks": networks,
    }  # fmt: skip


def test_scope_omits_attachments_of_other_roles(as_user, guardian):
    Attachment.objects.create(user=guardian, network_id=1)

    assert get_scope(as_user(guardian))["networks"] == []


def test_scope_of_superuser_in_other_role_is_limited(as_user, teacher):
    User.objects.filter(pk=teacher.pk).update(is_superuser=True)

    assert get_scope(as_user(teacher))["everything"] is False


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("role", "target"),
    [
        (Role.STAFF, "school"),
        (Role.TEACHER, "school_class"),
        (Role.GUARDIAN, "student"),
    ],
)
def test_scope_takes_two_queries(as_user, network, role, target, count):
    client = as_user(create_user(role, **{f"{target}_id": range(1, count + 1)}))

    with CaptureQueriesContext(connection) as queries:
        scope = get_scope(client)

    assert sum(map(len, list(scope.values())[1:])) == count
    assert len(queries) == 2  # the user and the attachments
