import hmac
import json
import time
import uuid
from urllib.parse import urlencode

import jwt
import pytest
from django.conf import settings as django_settings
from django.test import Client

from api.auth import tokens
from api.auth.authentication import PollAuthentication, UserAuthentication
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
        "healthz", "readyz", "openapi.yaml", "openapi.json", "",
    }  # fmt: skip


def test_stateless_authentication_is_used_by_polling_only():
    stateless = {
        route.pattern._route
        for route in urlpatterns
        if PollAuthentication
        in getattr(getattr(route.callback, "cls", None), "authentication_classes", ())
    }

    assert stateless == {"tasks/<uuid:task_id>"}


def test_session_cookie_does_not_authenticate(teacher):
    plain = Client()
    plain.force_login(teacher)

    assert plain.get("/tasks").status_code == 401


def sign(claims, **header):
    """Sign claims with the service's key, also those that its library would refuse."""
    header = {"alg": "HS256", "kid": tokens.signing_key_id(), **header}
    parts = [
        jwt.utils.base64url_encode(json.dumps(p).encode()) for p in (header, claims)
    ]
    digest = {"HS256": "sha256", "HS512": "sha512"}.get(header["alg"])
    key, message = django_settings.JWT_SIGNING_KEY.encode(), b".".join(parts)
    signature = hmac.digest(key, message, digest) if digest else b""
    return b".".join([message, jwt.utils.base64url_encode(signature)]).decode()


def decode(token):
    return jwt.decode(token, options={"verify_signature": False, "verify_exp": False})


def new_access_claims(user, **changes):
    return {**decode(tokens.access_token_for(user)), **changes}


def replace_claim(claims, name, value):
    claims = {**claims, name: value}
    return {name: value for name, value in claims.items() if value is not MISSING}


def bearer_client(token, scheme="Bearer"):
    return ContractClient(headers={"Authorization": f"{scheme} {token}"})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEARER"])
def test_authentication_scheme_ignores_case(teacher, scheme):
    client = bearer_client(tokens.access_token_for(teacher), scheme)

    # A poll is authenticated by the token alone.
    for path in ("/me", f"/tasks/{run_task(teacher).pk}"):
        assert client.get(path).status_code == 200


@pytest.mark.guarantee("A token that was verified before expires on time.")
def test_verified_token_expires_on_time(teacher):
    path = f"/tasks/{run_task(teacher).pk}"
    leeway = tokens.LEEWAY.total_seconds()
    exp = int(time.time() - leeway) + 2
    client = bearer_client(sign(new_access_claims(teacher, exp=exp)))
    first = client.get(path)
    time.sleep(exp + leeway - time.time() + 0.05)

    expired = client.get(path)

    assert (first.status_code, expired.status_code) == (200, 401)
    assert expired.json()["code"] == "token_not_valid"


@pytest.mark.parametrize(
    ("claim", "seconds", "status"),
    [
        ("exp", -25, 200),
        ("exp", -35, 401),
        ("iat", 25, 200),
        ("iat", 35, 401),
        ("nbf", 25, 200),
        ("nbf", 35, 401),
    ],
)
def test_clocks_may_differ_by_half_a_minute(teacher, claim, seconds, status):
    claims = new_access_claims(teacher, **{claim: int(time.time()) + seconds})

    assert bearer_client(sign(claims)).get("/me").status_code == status


MISSING = object()
NONSENSE = [MISSING, None, "", "5", [], [1], {}, {"a": 1}, True, 1.5, -1, 2**63, 10**40, 1e300, float("inf"), float("nan")]  # fmt: skip


@pytest.mark.guarantee("A well-signed token with nonsense in it is refused with 401.")
@pytest.mark.parametrize(
    "claim",
    ["user_id", "generation", "access_version", "exp", "iat", "jti", "token_type"],
)
def test_access_token_with_nonsense_claim_returns_401(teacher, claim):
    task = run_task(teacher)
    claims = new_access_claims(teacher)
    paths = ("/me", f"/tasks/{task.pk}")
    assert bearer_client(sign(claims)).get("/me").status_code == 200

    for value in NONSENSE:
        client = bearer_client(sign(replace_claim(claims, claim, value)))
        assert [client.get(path).status_code for path in paths] == [401, 401], value


@pytest.mark.guarantee("A well-signed token with nonsense in it is refused with 401.")
@pytest.mark.parametrize(
    "claim",
    ["user_id", "generation", "session_id", "exp", "iat", "jti", "token_type"],
)
def test_refresh_token_with_nonsense_claim_returns_401(client, teacher, claim):
    claims = decode(log_in(client, "teacher").json()["refresh"])

    for value in [*NONSENSE, 99, str(uuid.uuid4())]:
        if claim in {"exp", "iat"} and value == 99:
            continue  # a time like any other
        refresh = sign(replace_claim(claims, claim, value))
        answer = client.post_json("/auth/token/refresh", {"refresh": refresh})
        assert answer.status_code == 401, value
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "header",
    [{"kid": None}, {"kid": "unknown"}, {"kid": ["a"]}, {"alg": "none"}, {"alg": "HS512"}],
)  # fmt: skip
def test_token_with_other_header_returns_401(teacher, header):
    claims = new_access_claims(teacher)
    assert bearer_client(sign(claims)).get("/me").status_code == 200

    assert bearer_client(sign(claims, **header)).get("/me").status_code == 401


@pytest.mark.parametrize(
    "refresh",
    ["x", "a.b.c", "\ud800", "." * 60_000, sign([]), "W1tb" * 400 + ".e30.AA"],
)  # fmt: skip
def test_text_that_is_no_token_is_refused(client, network, refresh):
    body = json.dumps({"refresh": refresh})

    for path in ("/auth/token/refresh", "/auth/logout"):
        answer = client.post(path, body, content_type="application/json")
        assert answer.status_code in {400, 401}


def test_refresh_token_does_not_authenticate(client, teacher):
    refresh = log_in(client, "teacher").json()["refresh"]

    assert bearer_client(refresh).get("/me").status_code == 401


def test_access_token_does_not_refresh(client, teacher):
    access = log_in(client, "teacher").json()["access"]

    for path in ("/auth/token/refresh", "/auth/logout"):
        assert client.post_json(path, {"refresh": access}).status_code == 401


@pytest.mark.guarantee("Tokens survive the replacement of the signing key.")
def test_tokens_of_fallback_key_stay_valid(client, teacher, settings):
    task = run_task(teacher)
    pair = log_in(client, "teacher").json()
    old_key = settings.JWT_SIGNING_KEY
    settings.JWT_SIGNING_KEY = "n" * 64

    def statuses():
        bearer = bearer_client(pair["access"])
        paths = ("/me", f"/tasks/{task.pk}")
        return [bearer.get(path).status_code for path in paths]

    assert statuses() == [401, 401]
    settings.JWT_FALLBACK_KEYS = ["o" * 64, old_key]
    assert statuses() == [200, 200]
    refreshed = client.post_json("/auth/token/refresh", {"refresh": pair["refresh"]})
    new_kids = {
        jwt.get_unverified_header(refreshed.json()[name])["kid"]
        for name in ("access", "refresh")
    }
    assert new_kids == {tokens.signing_key_id()}
    settings.JWT_FALLBACK_KEYS = []
    assert statuses() == [401, 401]


def test_successor_of_removed_key_is_refused(client, teacher, settings):
    refresh = log_in(client, "teacher").json()["refresh"]
    old_key = settings.JWT_SIGNING_KEY
    assert (
        client.post_json("/auth/token/refresh", {"refresh": refresh}).status_code == 200
    )
    settings.JWT_SIGNING_KEY = "n" * 64
    again = sign(decode(refresh))  # whoever has the new key

    assert (
        client.post_json("/auth/token/refresh", {"refresh": again}).status_code == 401
    )
    settings.JWT_FALLBACK_KEYS = [old_key]
    assert (
        client.post_json("/auth/token/refresh", {"refresh": again}).status_code == 200
    )


def test_key_id_does_not_contain_the_key(settings):
    assert tokens.signing_key_id() not in settings.JWT_SIGNING_KEY
    assert len(tokens.signing_key_id()) == 16


def post_form(client: Client, **fields: str):
    return client.post(
        "/auth/token",
        urlencode(fields),
        content_type="application/x-www-form-urlencoded",
    )


def test_password_grant_by_form_returns_tokens_under_both_names(client, teacher):
    fields = {"grant_type": "password", "username": "teacher", "password": "demo"}

    answer = post_form(client, **fields, scope="", client_id="", client_secret="")
    body = answer.json()

    assert answer.status_code == 200
    assert body["token_type"] == "Bearer"
    assert body["access_token"] == body["access"]
    authorization = f"{body['token_type']} {body['access_token']}"
    me = client.get("/me", headers={"Authorization": authorization})
    assert me.status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("grant_type=password&username=teacher&password=wrong", 401),
        ("username=teacher&password=demo", 400),
        ("grant_type=client_credentials&username=teacher&password=demo", 400),
        ("grant_type=password&username=teacher&password=demo&password=x", 400),
        ("grant_type=password&username=teacher&password=demo&role=x", 400),
        ("grant_type=password&username=teacher&password=%FF", 400),
        ("no form", 400),
        ("", 400),
        ("&".join(f"f{n}=1" for n in range(100)), 400),
    ],
)
def test_invalid_password_grant_is_refused(client, teacher, body, status):
    answer = Client().post(
        "/auth/token", body, content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] != "internal_error"


def test_form_is_accepted_at_the_login_only(client, teacher):
    answer = Client().post(
        "/auth/token/refresh",
        "refresh=x",
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code == 415


def test_tokens_say_when_they_expire(client, teacher):
    pair = log_in(client, "teacher").json()

    for name, token in [("expires_in", "access"), ("refresh_expires_in", "refresh")]:
        claims = jwt.decode(pair[token], options={"verify_signature": False})
        assert abs(claims["exp"] - time.time() - pair[name]) <= 2
