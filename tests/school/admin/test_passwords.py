"""One-time links to choose a password, users without a password, and the forced change."""

import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from school.models import Attachment, Network, User
from tests.school.admin.test_reach import post_data
from tests.support.contract import ContractClient
from tests.support.threads import run_in_threads

pytestmark = pytest.mark.django_db
NEW = "quatro cavalos no rio"
CHOICE = {"new_password1": NEW, "new_password2": NEW}


def create_link(admin_client, user, **form) -> str:
    page = admin_client.post(f"/admin/school/user/{user.pk}/password/", form)
    assert page.status_code == 200
    value = re.search(r'id="password-link"[^>]*value="([^"]*)"', page.content.decode())
    assert value, page.content.decode()
    return unescape(value[1])


def open_link(client, link):
    return client.get(link.removeprefix("http://testserver"), follow=True)


def choose(client, link, form=CHOICE):
    open_link(client, link)
    path = link.removeprefix("http://testserver").partition("?")[0]
    return client.post(path, form)


def can_log_in(username, password):
    body = {"username": username, "password": password}
    return ContractClient().post_json("/auth/token", body).status_code == 200


@pytest.mark.guarantee("A one-time link sets a password once, and nobody else sees it.")
def test_link_lets_a_user_choose_a_password_once(admin_client, teacher):
    link = create_link(admin_client, teacher)
    answer = choose(Client(), link)

    assert (answer.status_code, answer.url) == (302, "/admin/password-link/chosen/")
    assert Client().get(answer.url).status_code == 200
    assert can_log_in("teacher", NEW)
    assert not can_log_in("teacher", "demo")
    other = {"new_password1": NEW + "!", "new_password2": NEW + "!"}
    again = choose(Client(), link, other)
    assert again.status_code == 200
    assert b"new_password1" not in again.content
    assert can_log_in("teacher", NEW)


@pytest.mark.guarantee("A one-time link that is used by several at once works once.")
def test_link_used_in_parallel_sets_one_password(
    transactional_db, network, admin_client, teacher
):
    link = create_link(admin_client, teacher)
    browsers = [Client() for _ in range(6)]
    for browser in browsers:
        open_link(browser, link)
    path = link.removeprefix("http://testserver").partition("?")[0]
    passwords = iter([f"quatro cavalos no rio {number}" for number in range(6)])
    chosen = []

    def submit():
        browser, password = browsers.pop(), next(passwords)
        form = {"new_password1": password, "new_password2": password}
        if browser.post(path, form).status_code == 302:
            chosen.append(password)

    run_in_threads([submit] * 6)

    assert len(chosen) == 1
    assert can_log_in("teacher", chosen[0])


@pytest.mark.guarantee(
    "A one-time link opens no account that its maker could not open."
)
@pytest.mark.parametrize(
    "change",
    [
        lambda user, _maker: User.objects.filter(pk=user.pk).update(
            is_superuser=True, role="administrator"
        ),
        lambda user, _maker: user.user_permissions.add(
            *Permission.objects.filter(codename="change_network")
        ),
        lambda user, _maker: Attachment.objects.create(
            user=user, network=Network.objects.create(code="n", name="N")
        ),
        lambda _user, maker: User.objects.filter(pk=maker.pk).update(is_staff=False),
        lambda _user, maker: User.objects.filter(pk=maker.pk).update(is_active=False),
        lambda _user, maker: maker.user_permissions.clear(),
        lambda _user, maker: maker.delete(),
    ],
    ids=[
        "promoted", "granted_permission", "attached_elsewhere",
        "maker_without_admin", "maker_disabled", "maker_without_permission",
        "maker_deleted",
    ],
)  # fmt: skip
def test_link_ends_when_its_maker_could_not_make_it(client, secretary, teacher, change):
    secretary.is_staff = True
    secretary.save()
    secretary.user_permissions.add(Permission.objects.get(codename="change_user"))
    client.force_login(secretary)
    link = create_link(client, teacher)
    assert b"new_password1" in open_link(Client(), link).content

    change(teacher, secretary)

    assert b"new_password1" not in open_link(Client(), link).content
    assert choose(Client(), link).status_code == 200
    assert not can_log_in("teacher", NEW)


@pytest.mark.guarantee(
    "A user who is disabled while changing the password stays disabled."
)
@pytest.mark.parametrize("door", ["own change", "link"])
@pytest.mark.parametrize(
    "values",
    [{"is_active": False}, {"is_superuser": False, "is_staff": False, "role": "teacher"}],
    ids=["disabled", "demoted"],
)  # fmt: skip
def test_change_during_the_hashing_is_not_undone(
    monkeypatch, admin_client, admin, stranger, door, values
):
    user = admin if door == "own change" else stranger
    link = create_link(admin_client, stranger)
    open_link(browser := Client(), link)

    def hash_slowly(password):
        other = User.objects.get(
            pk=user.pk
        )  # as a form of the admin loads and saves it
        for name, value in values.items():
            setattr(other, name, value)
        other.save()
        return make_password(password)

    monkeypatch.setattr("school.password_pages.make_password", hash_slowly)
    if door == "link":
        browser.post(link.removeprefix("http://testserver").partition("?")[0], CHOICE)
    else:
        form = {"old_password": "demo", **CHOICE}
        admin_client.post("/admin/password_change/", form)

    user.refresh_from_db()
    assert {name: getattr(user, name) for name in values} == values


def test_save_writes_no_field_that_only_others_changed(teacher):
    outdated = User.objects.get(pk=teacher.pk)
    teacher.is_active, teacher.email = False, "new@example.org"
    teacher.save()

    outdated.first_name = "Ana"
    outdated.save()

    stored = User.objects.get(pk=teacher.pk)
    assert (stored.is_active, stored.email) == (False, "new@example.org")
    assert stored.first_name == "Ana"


def test_own_change_to_the_same_password_is_refused(admin_client, admin):
    User.objects.filter(pk=admin.pk).update(must_change_password=True)
    same = {f"new_password{number}": "demo" for number in (1, 2)}

    page = admin_client.post(
        "/admin/password_change/", {"old_password": "demo", **same}
    )

    assert page.status_code == 200
    assert "must differ" in page.text or "diferente" in page.text
    admin.refresh_from_db()
    assert admin.must_change_password


SPACED = "  senha com espaços "


@pytest.mark.guarantee("A password keeps the spaces at its ends at every door.")
def test_link_and_forms_keep_the_spaces_of_a_password(admin_client, teacher):
    chosen = {"new_password1": SPACED, "new_password2": SPACED}
    choose(Client(), create_link(admin_client, teacher), chosen)
    assert can_log_in("teacher", SPACED)
    assert not can_log_in("teacher", SPACED.strip())
    User.objects.filter(pk=teacher.pk).update(is_staff=True)
    client = Client()
    login = {"username": "teacher", "password": SPACED}
    assert client.post("/admin/login/", login).status_code == 302

    other = f" {SPACED}"
    form = {"old_password": SPACED, "new_password1": other, "new_password2": other}
    assert client.post("/admin/password_change/", form).status_code == 302
    assert can_log_in("teacher", other)
    assert not can_log_in("teacher", SPACED)


def test_address_after_the_link_has_no_token(teacher, admin_client):
    link = create_link(admin_client, teacher)

    page = open_link(Client(), link)

    assert "token=" in link
    assert page.redirect_chain == [(link.removeprefix("http://testserver").partition("?")[0], 302)]  # fmt: skip
    assert b"new_password1" in page.content


def test_link_keeps_the_rules_for_passwords(admin_client, teacher):
    link = create_link(admin_client, teacher)
    weak = {"new_password1": "password1", "new_password2": "password1"}

    assert choose(Client(), link, weak).status_code == 200
    assert can_log_in("teacher", "demo")


@pytest.mark.parametrize(
    "change",
    [
        lambda user: user.end_sessions(),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: User.objects.filter(pk=user.pk).update(password=make_password("x")),
        lambda user: user.delete(),
    ],
    ids=["log_out_everywhere", "disable", "other_password", "delete"],
)  # fmt: skip
def test_link_ends_with_the_sessions_of_its_user(admin_client, stranger, change):
    link = create_link(admin_client, stranger)
    change(User.objects.get(pk=stranger.pk))

    assert b"new_password1" not in open_link(Client(), link).content


def test_link_ends_after_its_time(admin_client, teacher, settings):
    link = create_link(admin_client, teacher)
    assert b"new_password1" in open_link(Client(), link).content

    settings.PASSWORD_RESET_TIMEOUT = -1

    assert b"new_password1" not in open_link(Client(), link).content


@pytest.mark.parametrize("link", ["/admin/password-link/x/?token=y", "/admin/password-link/MQ/"])  # fmt: skip
def test_invalid_link_shows_no_form(network, link):
    page = open_link(Client(), link)

    assert page.status_code == 200
    assert b"new_password1" not in page.content


def test_link_begins_with_the_public_address(admin_client, teacher, settings):
    settings.PUBLIC_URL = "https://reports.example.org/x"

    link = create_link(admin_client, teacher)

    assert link.startswith("https://reports.example.org/x/admin/password-link/")


def test_link_page_shows_and_takes_no_password(admin_client, teacher):
    path = f"/admin/school/user/{teacher.pk}/password/"
    form = admin_client.get(path).content.decode()
    link = create_link(
        admin_client, teacher, password1=NEW, password2=NEW, usable_password="true"
    )

    assert 'type="password"' not in form
    assert link
    assert can_log_in("teacher", "demo")
    entry = LogEntry.objects.latest("pk")
    assert (entry.object_id, link in entry.change_message) == (str(teacher.pk), False)


def test_link_can_end_the_present_password(admin_client, teacher):
    before = teacher.session_generation

    link = create_link(admin_client, teacher, end_password="on")

    teacher.refresh_from_db()
    assert teacher.session_generation == before + 1
    assert not can_log_in("teacher", "demo")
    assert choose(Client(), link).status_code == 302
    assert can_log_in("teacher", NEW)


def test_link_of_a_disabled_user_is_not_created(admin_client, stranger):
    User.objects.filter(pk=stranger.pk).update(is_active=False)

    page = admin_client.post(f"/admin/school/user/{stranger.pk}/password/")

    assert b"password-link" not in page.content


def test_link_for_oneself_leads_to_the_own_change(admin_client, admin):
    page = admin_client.post(f"/admin/school/user/{admin.pk}/password/")

    assert (page.status_code, page.url) == (302, "/admin/password_change/")


def test_link_needs_the_right_to_change_users(client, secretary, teacher):
    User.objects.filter(pk=secretary.pk).update(is_staff=True)
    client.force_login(User.objects.get(pk=secretary.pk))

    page = client.post(f"/admin/school/user/{teacher.pk}/password/")

    assert page.status_code == 403


@pytest.mark.guarantee("A user whom an administrator adds has no password.")
def test_added_user_has_no_password_and_is_offered_a_link(admin_client):
    form = {
        "username": "maria",
        "role": "teacher",
        "password1": NEW,
        "password2": NEW,
        "attachments-TOTAL_FORMS": 0,
        "attachments-INITIAL_FORMS": 0,
    }
    page = admin_client.post("/admin/school/user/add/", form, follow=True)

    user = User.objects.get(username="maria")
    assert not user.has_usable_password()
    assert not can_log_in("maria", NEW)
    assert f"/admin/school/user/{user.pk}/password/" in page.content.decode()
    assert choose(Client(), create_link(admin_client, user)).status_code == 302
    assert can_log_in("maria", NEW)


@pytest.mark.guarantee("Whoever must change the password can do nothing else first.")
def test_admin_user_who_must_change_the_password_sees_only_the_form(
    admin_client, admin
):
    User.objects.filter(pk=admin.pk).update(must_change_password=True)

    pages = [admin_client.get(f"/admin/{path}") for path in ("", "school/student/")]
    form = admin_client.get("/admin/password_change/")
    answer = admin_client.post(
        "/admin/password_change/", {"old_password": "demo", **CHOICE}
    )

    assert {(p.status_code, p.url) for p in pages} == {(302, "/admin/password_change/")}
    assert form.status_code == 200
    assert answer.status_code == 302
    assert admin_client.get("/admin/").status_code == 200
    admin.refresh_from_db()
    assert not admin.must_change_password


def test_forced_change_takes_no_query(admin_client):
    with CaptureQueriesContext(connection) as queries:
        admin_client.get("/admin/password_change/")

    of_users = [q["sql"] for q in queries if "must_change_password" in q["sql"]]
    assert len(of_users) == 1  # the user of the session


def test_mark_set_in_the_admin_raises_the_access_version(admin_client, teacher):
    before = teacher.session_generation, teacher.access_version
    url = f"/admin/school/user/{teacher.pk}/change/"
    data = post_data(admin_client.get(url))
    admin_client.post(url, {**data, "must_change_password": "on"})

    teacher.refresh_from_db()
    assert teacher.must_change_password
    assert teacher.session_generation == before[0]
    assert teacher.access_version > before[1]
