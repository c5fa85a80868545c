"""Attempts to gain rights by the pages of users, and the work of network managers."""

import pytest
from django.contrib.auth.models import Group, Permission

from school import models as m
from school.admin.groups import MANAGER_PERMISSIONS, NETWORK_MANAGERS
from tests.school.admin.reach_oracle import CLASS, NETWORK, SCHOOL
from tests.school.admin.test_reach import post_data

pytestmark = pytest.mark.django_db
USERS = "/admin/school/user/"
RIGHTS = {"is_superuser": "on", "is_staff": "on", "role": "administrator"}
NOTHING_ATTACHED = {"attachments-TOTAL_FORMS": 0, "attachments-INITIAL_FORMS": 0}
PASSWORDS = {
    "usable_password": "true", "password1": "Serra-2026", "password2": "Serra-2026",
}  # fmt: skip


def rights_of(user):
    user = m.User.objects.get(pk=user.pk)
    return {
        "role": user.role, "is_active": user.is_active, "is_staff": user.is_staff,
        "is_superuser": user.is_superuser, "password": user.password,
        "groups": set(user.groups.all()),
        "permissions": set(user.user_permissions.all()),
        "attachments": {
            (a.network_id, a.school_id, a.school_class_id, a.student_id)
            for a in user.attachments.all()
        },
    }  # fmt: skip


def add_user(client, username, *, role="guardian", **data):
    """Post the form of a new user; `data` has the attachment and what else is tried."""
    attachment = {"attachments-TOTAL_FORMS": 1, "attachments-INITIAL_FORMS": 0}
    return client.post(
        f"{USERS}add/",
        {"username": username, "role": role, **PASSWORDS, **attachment, **data},
    )


@pytest.fixture
def clerk(network):
    """A second secretary of the same school, with the Django permissions of nobody."""
    user = m.User.objects.create(username="clerk", role="staff")
    m.Attachment.objects.create(user=user, school_id=SCHOOL)
    return user


@pytest.fixture
def limited(viewers):
    """The secretary with the permissions for users and attachments only."""
    permissions = Permission.objects.filter(
        content_type__model__in=[
            "user",
            "attachment",
            "school",
            "schoolclass",
            "student",
        ]
    )
    viewers["secretary"].user_permissions.set(permissions)
    return viewers["secretary"]


@pytest.mark.guarantee("Nobody changes their own rights in the admin.")
@pytest.mark.parametrize("viewer", ["superuser", "manager", "secretary", "teacher"])
def test_own_rights_cannot_be_changed(log_in, viewers, viewer):
    client, user = log_in(viewer), viewers[viewer]
    url = f"{USERS}{user.pk}/change/"
    group = Group.objects.create(name="Other")
    before = rights_of(user)
    data = {
        **post_data(client.get(url)), **RIGHTS, "first_name": "New", "role": "staff",
        "groups": [group.pk], "user_permissions": [1], "is_active": "",
        "attachments-TOTAL_FORMS": 5, "attachments-INITIAL_FORMS": 1,
        "attachments-4-network": NETWORK, "attachments-4-user": user.pk,
        "attachments-0-DELETE": "on",
    }  # fmt: skip

    assert client.post(url, data).status_code == 302
    assert rights_of(user) == before
    assert m.User.objects.get(pk=user.pk).first_name == "New"


@pytest.mark.parametrize("id_text", ["{}", "0{}", "{}_20", "_20{}"])
def test_own_password_needs_the_present_one(log_in, viewers, id_text):
    user = viewers["secretary"]
    before = rights_of(user)
    url = f"{USERS}{id_text.format(user.pk)}/password/"

    answer = log_in("secretary").post(url, PASSWORDS)

    assert answer.status_code in (302, 404)
    assert rights_of(user) == before


def test_own_account_cannot_be_deleted(log_in, viewers):
    for viewer in ("superuser", "manager"):
        client, user = log_in(viewer), viewers[viewer]
        delete = {
            "action": "delete_selected",
            "_selected_action": [user.pk],
            "post": "yes",
        }

        client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"})
        client.post(USERS, delete)

        assert m.User.objects.filter(pk=user.pk).exists()


@pytest.mark.guarantee("Nobody grants rights in the admin that they lack themselves.")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("is_superuser", "on"), ("user_permissions", "all"), ("groups", "strong"),
        ("role", "administrator"), ("attachments-1-school", 2),
        ("attachments-1-network", NETWORK), ("attachments-1-school_class", 3),
        ("attachments-1-student", 67),
    ],
)  # fmt: skip
def test_secretary_grants_another_no_right_beyond_his_own(
    log_in, limited, clerk, field, value
):
    strong = Group.objects.create(name="Strong")
    strong.permissions.set(Permission.objects.filter(content_type__model="task"))
    values = {"strong": strong.pk, "all": [p.pk for p in Permission.objects.all()]}
    client, url = log_in("secretary"), f"{USERS}{clerk.pk}/change/"
    before = rights_of(clerk)

    client.post(url, {**post_data(client.get(url)), field: values.get(value, value)})

    assert rights_of(clerk) == before


def test_secretary_changes_what_is_in_reach(log_in, limited, clerk):
    client, url = log_in("secretary"), f"{USERS}{clerk.pk}/change/"
    data = {
        **post_data(client.get(url)), "role": "teacher", "attachments-1-school_class": 1,
    }  # fmt: skip

    assert client.post(url, data).status_code == 302
    changed = rights_of(clerk)
    assert changed["role"] == "teacher"
    assert changed["attachments"] == {(None, SCHOOL, None, None), (None, None, 1, None)}


def strengthen(user, how):
    """Give the user something that the limited secretary lacks."""
    if how == "superuser":
        m.User.objects.filter(pk=user.pk).update(is_superuser=True)
    elif how == "role":
        m.User.objects.filter(pk=user.pk).update(role="administrator")
    elif how == "permission":
        user.user_permissions.add(Permission.objects.get(codename="view_task"))
    elif how == "group":
        group = Group.objects.create(name="Strong")
        group.permissions.set(Permission.objects.filter(codename="view_task"))
        user.groups.add(group)
    elif how == "attachment":
        m.Attachment.objects.create(user=user, school_id=2)
    elif how == "no attachment":
        user.attachments.all().delete()


@pytest.mark.guarantee("Nobody takes over an account with more rights than their own.")
@pytest.mark.parametrize(
    "how",
    ["superuser", "role", "permission", "group", "attachment", "no attachment"],
)
def test_stronger_account_is_out_of_reach(log_in, limited, clerk, how):
    client = log_in("secretary")
    password_url = f"{USERS}{clerk.pk}/password/"
    assert client.get(password_url).status_code == 200
    strengthen(clerk, how)
    before = rights_of(clerk)

    assert client.get(password_url).status_code == 404
    assert client.post(password_url, PASSWORDS).status_code == 404
    for page in ("change", "delete"):
        answer = client.post(f"{USERS}{clerk.pk}/{page}/", {"post": "yes", **RIGHTS})
        assert answer.url == "/admin/"
    listed = client.get(USERS).context["cl"].queryset
    assert clerk not in listed
    assert rights_of(clerk) == before


def test_guardian_of_a_student_who_moved_is_out_of_the_old_schools_reach(
    log_in, limited, network
):
    """The guardian's account shows what the new school records."""
    limited.attachments.update(school=2)
    guardian = m.User.objects.create(username="parent", role="guardian")
    m.Attachment.objects.create(user=guardian, student_id=67)
    client = log_in("secretary")

    assert client.get("/admin/school/student/67/change/").status_code == 200
    assert client.get(f"{USERS}{guardian.pk}/password/").status_code == 404
    answer = add_user(client, "twin", **{"attachments-0-student": 67})
    assert answer.status_code == 200
    assert not m.User.objects.filter(username="twin").exists()


@pytest.mark.parametrize(
    "data",
    [
        NOTHING_ATTACHED,
        {"attachments-0-network": NETWORK},
        {"attachments-0-school": 2},
        {"attachments-0-school": SCHOOL, "role": "administrator"},
    ],
)
def test_secretary_adds_no_user_beyond_his_reach(log_in, limited, data):
    answer = add_user(log_in("secretary"), "new", **data)

    assert answer.status_code == 200
    assert not m.User.objects.filter(username="new").exists()


@pytest.mark.parametrize("field", ["is_superuser", "user_permissions"])
def test_new_user_gets_no_posted_rights(log_in, limited, field):
    data = {"attachments-0-school": SCHOOL, field: 1, "is_staff": "on"}

    assert add_user(log_in("secretary"), "new", role="staff", **data).status_code == 302

    rights = rights_of(m.User.objects.get(username="new"))
    assert not rights["is_superuser"]
    assert not rights["is_staff"]
    assert rights["permissions"] == set()


def test_user_keeps_an_attachment_in_reach(log_in, limited, clerk):
    client, url = log_in("secretary"), f"{USERS}{clerk.pk}/change/"
    data = {**post_data(client.get(url)), "attachments-0-DELETE": "on"}

    answer = client.post(url, data)

    assert "Vincule o usuário" in answer.content.decode()
    assert clerk.attachments.count() == 1


def test_only_superusers_make_superusers(log_in, viewers, clerk):
    for viewer, is_made in [("manager", False), ("superuser", True)]:
        client, url = log_in(viewer), f"{USERS}{clerk.pk}/change/"

        client.post(url, {**post_data(client.get(url)), "is_superuser": "on"})

        clerk.refresh_from_db()
        assert clerk.is_superuser is is_made


def test_superuser_teacher_grants_no_role_above_his_own(log_in, viewers):
    """A superuser without the administrator's role sees his attachments only."""
    m.User.objects.filter(username="teacher").update(is_superuser=True)
    colleague = m.User.objects.create(username="colleague", role="teacher")
    m.Attachment.objects.create(user=colleague, school_class_id=CLASS)
    client, url = log_in("teacher"), f"{USERS}{colleague.pk}/change/"
    data = post_data(client.get(url))

    assert client.post(url, {**data, "role": "administrator"}).status_code == 200
    assert client.get("/admin/school/student/76/change/").status_code == 302
    assert (
        client.post(url, {**data, "groups": [Group.objects.first().pk]}).status_code
        == 302
    )


@pytest.fixture
def manager(viewers):
    """A manager with the shipped group, and no permission besides."""
    user = viewers["manager"]
    user.user_permissions.clear()
    user.groups.set([Group.objects.get(name=NETWORK_MANAGERS)])
    return user


def test_group_of_network_managers_is_shipped(network):
    permissions = Group.objects.get(name=NETWORK_MANAGERS).permissions
    names = permissions.values_list("content_type__app_label", "codename")

    assert set(names) == {("school", name) for name in MANAGER_PERMISSIONS}


def test_superuser_makes_network_managers_by_an_action(log_in, viewers, clerk):
    user = m.User.objects.create(username="head", role="administrator")
    m.Attachment.objects.create(user=user, network_id=NETWORK)
    action = {
        "action": "make_network_managers",
        "_selected_action": [user.pk, clerk.pk],
    }

    answer = log_in("superuser").post(USERS, action, follow=True)

    assert "1 usuário agora é gestor de rede." in answer.content.decode()
    assert rights_of(user)["is_staff"]
    assert {g.name for g in rights_of(user)["groups"]} == {NETWORK_MANAGERS}
    assert not rights_of(clerk)["is_staff"]


def test_secretary_is_offered_no_action_that_makes_managers(log_in, limited, viewers):
    limited.user_permissions.remove(Permission.objects.get(codename="view_student"))
    page = log_in("secretary").get(USERS)
    assert "make_network_managers" not in page.content.decode()

    action = {
        "action": "make_network_managers",
        "_selected_action": [viewers["manager"].pk],
    }
    log_in("secretary").post(USERS, action)

    assert not viewers["manager"].groups.exists()


@pytest.mark.guarantee("Network managers run their own network's users.")
def test_network_manager_runs_the_users_of_the_network(log_in, manager, rival):
    client = log_in("manager")

    answer = add_user(client, "new", role="staff", **{"attachments-0-school": 2})
    assert answer.status_code == 302
    new = m.User.objects.get(username="new")
    url = f"{USERS}{new.pk}/change/"
    data = post_data(client.get(url))
    del data["is_active"]
    assert client.post(url, {**data, "attachments-0-school": 3}).status_code == 302
    new.refresh_from_db()
    assert not new.is_active
    assert [a.school_id for a in new.attachments.all()] == [3]
    m.User.objects.filter(pk=new.pk).update(is_active=True)
    page = client.post(f"{USERS}{new.pk}/password/", PASSWORDS)
    assert "/admin/password-link/" in page.context["link"]
    new.refresh_from_db()
    assert not new.has_usable_password()

    foreign = {"attachments-0-school": rival.school.pk}
    assert add_user(client, "spy", **foreign).status_code == 200
    assert not m.User.objects.filter(username="spy").exists()
    assert client.get(f"{USERS}{rival.user.pk}/change/").url == "/admin/"


def test_network_manager_sees_nothing_but_what_users_are_attached_to(log_in, manager):
    client = log_in("manager")

    for name in ("grade", "enrolment", "priorsubject", "absence", "ruleprofile"):
        assert client.get(f"/admin/school/{name}/").status_code in (403, 404)
    assert client.get("/admin/tasks/task/").status_code == 403
    assert client.get("/admin/school/student/1/change/").status_code == 200
    assert client.post("/admin/school/student/1/change/", {}).status_code == 403
