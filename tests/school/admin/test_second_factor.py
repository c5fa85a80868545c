"""Second factor in the admin: log-in, the page to set it up, demand and reset."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.urls import reverse

from school import second_factor
from school.models import Network, SecondFactor, User
from tests.support.otp import code_of, enrol

pytestmark = pytest.mark.django_db

PAGE = "/admin/second-factor/"


@pytest.fixture
def superuser(network):
    return User.objects.create_superuser("root", password="demo")


def log_in(client, otp=""):
    body = {"username": "root", "password": "demo", "otp": otp}
    return client.post("/admin/login/?next=/admin/", body)


def post(client, action, **fields):
    return client.post(PAGE, {"action": action, **fields})


def shown_secret(response):
    return re.search(r'id="otp-secret">([A-Z2-7]+)<', response.text)[1]


def shown_codes(response):
    return re.findall(r"<li><code>([a-z2-7-]{19})</code>", response.text)


def demand():
    Network.objects.update(requires_second_factor=True)


def test_login_without_second_factor_needs_no_code(client, superuser):
    assert log_in(client).status_code == 302
    assert client.get("/admin/").status_code == 200


@pytest.mark.guarantee("The admin asks a user with a second factor for a code.")
def test_login_with_second_factor_needs_unused_code(client, superuser):
    secret, recovery_codes = enrol(superuser)
    code = code_of(secret)
    client.cookies["django_language"] = "en"

    for wrong in ("", "000-000", code.replace(code[0], "x")):
        answer = log_in(client, wrong)
        assert answer.status_code == 200
        assert "Enter the right one-time code" in answer.text
    assert client.get("/admin/").status_code == 302
    assert log_in(client, code).status_code == 302
    client.logout()
    assert log_in(client, code).status_code == 200
    assert log_in(client, recovery_codes[0]).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_login_with_wrong_password_uses_up_no_code(client, superuser):
    secret, _ = enrol(superuser)
    body = {"username": "root", "password": "wrong", "otp": code_of(secret)}

    assert client.post("/admin/login/", body).status_code == 200
    assert log_in(client, code_of(secret)).status_code == 302


def test_page_sets_up_renews_and_removes_the_factor(client, superuser):
    client.force_login(superuser)
    assert post(client, "start", password="wrong").status_code == 400
    started = post(client, "start", password="demo")
    secret = shown_secret(started)
    assert "<svg" in started.text
    assert not second_factor.has_factor(superuser)
    assert post(client, "confirm", otp="000-000").status_code == 400

    codes = shown_codes(post(client, "confirm", otp=code_of(secret)))

    assert len(codes) == 10
    assert second_factor.has_factor(superuser)
    assert codes[0] not in client.get(PAGE).text
    renewed = post(client, "renew", password="demo", otp=codes[0])
    new_codes = shown_codes(renewed)
    assert len(new_codes) == 10
    assert not {*codes} & {*new_codes}
    assert post(client, "remove", password="demo", otp=codes[1]).status_code == 400
    assert second_factor.has_factor(superuser)
    assert post(client, "remove", password="demo", otp=new_codes[0]).status_code == 200
    assert not second_factor.has_factor(superuser)


def test_page_cannot_replace_a_confirmed_factor(client, superuser):
    secret, recovery_codes = enrol(superuser)
    stored = SecondFactor.objects.values_list("secret").get()
    client.force_login(superuser)

    post(client, "start", password="demo", otp=recovery_codes[0])
    assert post(client, "confirm", otp=code_of(secret)).status_code == 400

    assert SecondFactor.objects.values_list("secret").get() == stored


@pytest.mark.guarantee(
    "The admin leads users who lack a demanded second factor to its page."
)
def test_demand_leads_to_the_page_until_the_factor_is_confirmed(client, superuser):
    demand()
    client.force_login(superuser)

    for path in ("/admin/", "/admin/school/student/", "/admin/school/user/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers.get("Location")) == (302, PAGE)
    assert client.get(reverse("admin:password_change")).status_code == 200
    secret = shown_secret(post(client, "start", password="demo"))
    assert client.get("/admin/").status_code == 302  # abandoned here
    assert post(client, "confirm", otp=code_of(secret)).status_code == 200
    assert client.get("/admin/").status_code == 200


def test_page_attempts_are_limited(client, superuser, settings):
    settings.LOGIN_FAILURES_PER_USER = 3
    client.force_login(superuser)

    statuses = [post(client, "start", password="wrong").status_code for _ in range(4)]

    assert statuses == [400, 400, 400, 429]


@pytest.mark.guarantee(
    "A reset second factor ends the sessions of its user, and is logged."
)
def test_reset_action_deletes_factor_ends_sessions_and_is_logged(
    client, superuser, secretary
):
    enrol(secretary)
    client.force_login(superuser)
    generation = secretary.session_generation
    body = {"action": "reset_second_factor", "_selected_action": [secretary.pk]}

    answer = client.post("/admin/school/user/", body)

    assert answer.status_code == 302
    assert not SecondFactor.objects.exists()
    secretary.refresh_from_db()
    assert secretary.session_generation == generation + 1
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user_id) == (str(secretary.pk), superuser.pk)
    assert entry.change_message == "Reset the second factor."


def test_reset_action_passes_over_oneself_and_superusers(client, superuser, admin):
    enrol(superuser)
    enrol(admin)
    body = {
        "action": "reset_second_factor",
        "_selected_action": [superuser.pk, admin.pk],
    }
    manager = User.objects.create_user("manager", is_staff=True)
    manager.user_permissions.add(*Permission.objects.filter(codename__endswith="_user"))

    client.force_login(manager)
    client.post("/admin/school/user/", body)
    assert SecondFactor.objects.count() == 2
    client.force_login(superuser)
    assert client.post("/admin/school/user/", body).status_code == 302
    assert SecondFactor.objects.get().user == superuser


def test_reset_command_deletes_factor_and_refuses_unknown_user(secretary):
    enrol(secretary)

    call_command("reset_second_factor", "secretary")

    assert not SecondFactor.objects.exists()
    with pytest.raises(CommandError, match="no user nobody"):
        call_command("reset_second_factor", "nobody")
