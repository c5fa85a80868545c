import time
from datetime import timedelta

import pytest
from django.test import Client

from api.auth.tokens import (
    PollAuthentication,
    UserAuthentication,
    VersionedRefreshToken,
)
from api.urls import urlpatterns
from school.models import User
from tasks.models import Task
from tests.support.contract import ContractClient
from tests.support.task_factories import run_task

pytestmark = pytest.mark.django_db

REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}


@pytest.fixture
def client() -> ContractClient:
    return ContractClient()


def log_in(client: ContractClient, username: str, password: str = "demo"):
    return client.post_json("/auth/token", {"username": username, "password": password})


def test_login_returns_a_working_token(client, teacher):
    access = log_in(client, "teacher").json()["access"]

    answer = client.get("/reports", headers={"Authorization": f"Bearer {access}"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("username", "password"), [("teacher", "wrong"), ("nobody", "demo"), ("", "")]
)
def test_login_with_wrong_credentials_is_refused(client, teacher, username, password):
    answer = log_in(client, username, password)

    assert answer.status_code in {400, 401}
    assert answer["Content-Type"] == "application/problem+json"
    assert "access" not in answer.json()


def test_login_of_inactive_user_is_refused(client, teacher):
    teacher.is_active = False
    teacher.save()

    assert log_in(client, "teacher").status_code == 401


def test_refresh_token_reused_after_rotation_is_refused(client, teacher):
    first = log_in(client, "teacher").json()["refresh"]

    second = client.post_json("/auth/token/refresh", {"refresh": first})
    again = client.post_json("/auth/token/refresh", {"refresh": first})

    assert second.status_code == 200
    assert second.json()["refresh"] != first
    assert again.status_code == 401
    assert again.json()["code"] == "token_not_valid"


def test_refresh_of_deleted_user_is_refused(client, stranger):
    refresh = log_in(client, "stranger").json()["refresh"]
    User.objects.filter(username="stranger").delete()

    answer = client.post_json("/auth/token/refresh", {"refresh": refresh})

    assert answer.status_code == 401


@pytest.mark.guarantee("A disabled user is refused at once.")
def test_disabled_user_is_refused_everywhere_at_once(client, as_user, teacher):
    refresh = log_in(client, "teacher").json()["refresh"]
    task = run_task(teacher)
    old_client = as_user(teacher)
    User.objects.filter(pk=teacher.pk).update(is_active=False)

    def status(method, path, body=None):
        send = getattr(old_client, method)
        return send(path, body, content_type="application/json").status_code

    assert log_in(client, "teacher").status_code == 401
    assert (
        client.post_json("/auth/token/refresh", {"refresh": refresh}).status_code == 401
    )
    assert status("post", "/reports", REPORT_REQUEST) == 401
    assert status("get", f"/tasks/{task.pk}/result") == 401
    assert status("get", "/me") == 401
    assert Task.objects.count() == 1


def test_logout_revokes_the_refresh_token(client, teacher):
    refresh = log_in(client, "teacher").json()["refresh"]

    out = client.post_json("/auth/logout", {"refresh": refresh})
    after = client.post_json("/auth/token/refresh", {"refresh": refresh})

    assert out.status_code == 204
    assert after.status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer nonsense", "Basic dGVhY2hlcjpkZW1v"]
)
@pytest.mark.parametrize("path", ["/reports", "/tasks"])
def test_request_without_valid_token_returns_401(client, network, path, header):
    answer = client.get(path, headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_views_without_authentication_are_the_public_ones():
    public_routes = {
        route.pattern._route
        for route in urlpatterns
        if hasattr(route.callback, "cls")
        and not {UserAuthentication, PollAuthentication}
        & set(route.callback.cls.authentication_classes)
    }

    assert public_routes == {
        "auth/token", "auth/token/refresh", "auth/logout",
        "healthz", "readyz", "openapi.yaml", "docs", "redoc",
    }  # fmt: skip


def test_stateless_authentication_is_used_by_polling_only():
    stateless = {
        route.pattern._route
        for route in urlpatterns
        if PollAuthentication
        in getattr(getattr(route.callback, "cls", None), "authentication_classes", ())
    }

    assert stateless == {"tasks/<uuid:task_id>"}


def test_password_hasher_under_gevent_runs_in_thread_pool(monkeypatch):
    from school.runtime import password_hasher

    hasher = password_hasher.CooperativePBKDF2PasswordHasher()
    plain = hasher.encode("demo", "salt", 10)
    monkeypatch.setattr(password_hasher, "is_module_patched", lambda name: True)

    assert hasher.encode("demo", "salt", 10) == plain
    assert hasher.verify("demo", plain)
    assert not hasher.verify("other", plain)


def test_session_cookie_does_not_authenticate(teacher):
    plain = Client()
    plain.force_login(teacher)

    assert plain.get("/tasks").status_code == 401


@pytest.mark.guarantee("A token that was verified before expires on time.")
def test_verified_token_expires_on_time(teacher):
    path = f"/tasks/{run_task(teacher).pk}"
    token = VersionedRefreshToken.for_user(teacher).access_token
    token.set_exp(lifetime=timedelta(seconds=2))  # truncated to whole seconds
    client = ContractClient(headers={"Authorization": f"Bearer {token}"})
    first = client.get(path)
    time.sleep(token["exp"] - time.time() + 0.05)

    expired = client.get(path)

    assert (first.status_code, expired.status_code) == (200, 401)
    assert expired.json()["code"] == "token_not_valid"
