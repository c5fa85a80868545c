"""Second factor in the API: log-in, set-up, races, and networks that demand it."""

from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school import second_factor
from school.models import Attachment, Network, RecoveryCode, SecondFactor, Session, User
from tests.support.contract import ContractClient
from tests.support.otp import code_of, enrol
from tests.support.task_factories import run_task
from tests.support.threads import run_in_threads

pytestmark = pytest.mark.django_db

PARALLEL = 20
WRONG_CODE = "abc-def"


def log_in(username="secretary", password="demo", *, address="127.0.0.1", **members):
    body = {"username": username, "password": password, **members}
    return ContractClient(REMOTE_ADDR=address).post_json("/auth/token", body)


def outcome(response):
    return response.status_code, response.json().get("code")


def errors_of(response):
    assert response.status_code == 400
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


def bearer_client(access):
    return ContractClient(headers={"Authorization": f"Bearer {access}"})


def remove(client, **body):
    return client.delete("/auth/otp", body, content_type="application/json")


@pytest.fixture
def demand(django_capture_on_commit_callbacks):
    """Function that sets whether a network, by default the only one, demands the factor."""

    def set_policy(network=None, *, is_demanded=True):
        network = network or Network.objects.get()
        network.requires_second_factor = is_demanded
        with django_capture_on_commit_callbacks(execute=True):
            network.save()
        return network

    return set_policy


# --- Log-in


def test_login_without_second_factor_ignores_otp(secretary):
    assert log_in(otp="123456").status_code == 200


@pytest.mark.guarantee(
    "A user with a second factor logs in only with a code, whose need is told only after "
    "the right password."
)
@pytest.mark.parametrize(
    ("password", "otp", "expected"),
    [
        ("demo", None, (401, "otp_required")),
        ("demo", WRONG_CODE, (401, "otp_not_valid")),
        ("demo", "٣٣٣٣٣٣", (401, "otp_not_valid")),
        ("wrong", None, (401, "authentication_failed")),
        ("wrong", "right", (401, "authentication_failed")),
        ("demo", "right", (200, None)),
    ],
)
def test_login_with_second_factor_needs_password_and_code(
    secretary, password, otp, expected
):
    secret, _ = enrol(secretary)
    code = code_of(secret) if otp == "right" else otp
    members = {} if code is None else {"otp": code}

    assert outcome(log_in(password=password, **members)) == expected
    assert Session.objects.count() == (expected[0] == 200)


@pytest.mark.parametrize(
    ("seconds", "status"), [(-60, 401), (-30, 200), (0, 200), (30, 200), (60, 401)]
)
def test_login_accepts_codes_of_neighbouring_steps(
    secretary, monkeypatch, seconds, status
):
    secret, _ = enrol(secretary)
    monkeypatch.setattr("time.time", lambda: 1_800_000_015)

    assert log_in(otp=code_of(secret, seconds=seconds)).status_code == status


@pytest.mark.guarantee("A one-time code and a recovery code work once.")
def test_login_with_used_code_is_refused(secretary):
    secret, recovery_codes = enrol(secretary)

    for code in (code_of(secret), recovery_codes[0]):
        assert log_in(otp=code).status_code == 200
        assert outcome(log_in(otp=code)) == (401, "otp_not_valid")


def test_login_with_earlier_code_after_a_later_one_is_refused(secretary, monkeypatch):
    secret, _ = enrol(secretary)
    monkeypatch.setattr("time.time", lambda: 1_800_000_015)

    assert log_in(otp=code_of(secret)).status_code == 200
    assert log_in(otp=code_of(secret, seconds=-30)).status_code == 401


def test_code_that_confirmed_the_factor_does_not_log_in(secretary):
    secret = second_factor.start(secretary).secret
    code = code_of(secret)
    assert second_factor.confirm(secretary, code)

    assert outcome(log_in(otp=code)) == (401, "otp_not_valid")


@pytest.mark.guarantee("A one-time code and a recovery code work once.")
@pytest.mark.parametrize("kind", ["one-time code", "recovery code"])
def test_parallel_logins_with_one_code_give_one_session(
    transactional_db, secretary, settings, kind
):
    settings.LOGIN_FAILURES_PER_USER = settings.LOGIN_ATTEMPTS_PER_IP = 10 * PARALLEL
    secret, recovery_codes = enrol(secretary)
    code = code_of(secret) if kind == "one-time code" else recovery_codes[0]

    # Each from its own address: those of one would wait for each other.
    calls = [
        partial(log_in, otp=code, address=f"192.0.2.{number}")
        for number in range(PARALLEL)
    ]
    answers = run_in_threads(calls)

    outcomes = sorted(answer.status_code for answer in answers)
    assert outcomes == [200] + [401] * (PARALLEL - 1)
    assert Session.objects.count() == 1


@pytest.mark.guarantee("A wrong one-time code counts like a wrong password.")
def test_wrong_codes_are_limited_like_wrong_passwords(secretary, settings):
    settings.LOGIN_FAILURES_PER_USER = 3
    secret, _ = enrol(secretary)

    statuses = [log_in(otp=WRONG_CODE).status_code for _ in range(3)]

    assert statuses == [401] * 3
    assert log_in(otp=code_of(secret)).status_code == 429


@pytest.mark.guarantee(
    "The secrets and recovery codes of second factors are not stored."
)
def test_database_contains_neither_secret_nor_recovery_code(secretary):
    secret, recovery_codes = enrol(secretary)
    stored = str([*SecondFactor.objects.values(), *RecoveryCode.objects.values()])

    assert len(recovery_codes) == 10 == RecoveryCode.objects.count()
    for text in (secret, *recovery_codes):
        assert text not in stored
        assert text.replace("-", "") not in stored


def test_secret_key_replaced_with_fallback_keeps_codes_and_encrypts_again(
    secretary, settings
):
    secret, recovery_codes = enrol(secretary)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of at least fifty characters, for tests only"
    assert log_in(otp=code_of(secret)).status_code == 200

    settings.SECRET_KEY_FALLBACKS = []
    SecondFactor.objects.update(last_step=0)
    assert log_in(otp=code_of(secret)).status_code == 200

    settings.SECRET_KEY = "a third key of at least fifty characters, for tests only"
    SecondFactor.objects.update(last_step=0)
    assert log_in(otp=code_of(secret)).status_code == 401
    assert log_in(otp=recovery_codes[0]).status_code == 200


# --- Set-up


def test_set_up_confirms_with_first_code_and_returns_recovery_codes(secretary, as_user):
    client = as_user(secretary)
    started = client.post_json("/auth/otp", {"password": "demo"}).json()
    assert started["uri"].startswith("otpauth://totp/School%20reports:secretary?")
    assert log_in().status_code == 200  # it does not count yet

    wrong = client.post_json("/auth/otp/confirm", {"otp": WRONG_CODE})
    confirmed = client.post_json(
        "/auth/otp/confirm", {"otp": code_of(started["secret"])}
    )

    assert wrong.status_code == 400
    assert errors_of(wrong) == [("/otp", "otp_not_valid")]
    assert len(set(confirmed.json()["recovery_codes"])) == 10
    assert outcome(log_in()) == (401, "otp_required")
    client = as_user(secretary)  # the tokens of before have ended
    again = client.post_json("/auth/otp", {"password": "demo"})
    assert errors_of(again) == [("", "second_factor_exists")]
    code = {"otp": code_of(started["secret"])}
    second = client.post_json("/auth/otp/confirm", code)
    assert errors_of(second) == [("", "second_factor_not_started")]


@pytest.mark.guarantee(
    "A second factor that is set up ends the sessions that the password alone began."
)
def test_confirmation_ends_all_sessions_and_starts_one(secretary, client):
    older = log_in().json()
    tokens = log_in().json()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {tokens['access']}"}
    secret = second_factor.start(secretary).secret

    confirmed = client.post(
        "/auth/otp/confirm",
        {"otp": code_of(secret)},
        content_type="application/json",
        **bearer,
    ).json()

    for ended in (older, tokens):
        assert refresh(client, ended).status_code == 401
        assert get_me(client, ended).status_code == 401
    assert get_me(client, confirmed).status_code == 200
    assert refresh(client, confirmed).status_code == 200


def refresh(client, tokens):
    return client.post(
        "/auth/token/refresh",
        {"refresh": tokens["refresh"]},
        content_type="application/json",
    )


def get_me(client, tokens):
    return client.get("/me", HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")


@pytest.mark.guarantee("A password keeps the spaces at its ends at every door.")
def test_set_up_and_removal_keep_the_spaces_of_a_password(secretary):
    password = "  senha com espaços "
    secretary.set_password(password)
    secretary.save()
    client = bearer_client(log_in(password=password).json()["access"])

    def start(typed):
        return client.post_json("/auth/otp", {"password": typed})

    assert start(password.strip()).status_code == 400
    secret = start(password).json()["secret"]
    confirmed = client.post_json("/auth/otp/confirm", {"otp": code_of(secret)}).json()
    client = bearer_client(confirmed["access"])
    body = {"password": password, "otp": confirmed["recovery_codes"][0]}
    assert remove(client, **body).status_code == 204


def test_abandoned_set_up_is_replaced_by_the_next(secretary):
    first, second = (second_factor.start(secretary).secret for _ in range(2))

    assert log_in().status_code == 200
    assert second_factor.confirm(secretary, code_of(first)) is None
    assert second_factor.confirm(secretary, code_of(second))


def test_parallel_confirmations_give_one_set_of_recovery_codes(
    transactional_db, secretary
):
    code = code_of(second_factor.start(secretary).secret)

    def confirm():
        try:
            return second_factor.confirm(secretary, code)
        except second_factor.NotStarted:
            return None

    assert len([codes for codes in run_in_threads([confirm] * PARALLEL) if codes]) == 1
    assert RecoveryCode.objects.count() == 10


@pytest.mark.guarantee("A stolen access token alone cannot change the second factor.")
def test_changes_need_password_and_code(secretary, as_user):
    secret, recovery_codes = enrol(secretary)
    client = as_user(secretary)
    for body, pointer in [
        ({"password": "wrong", "otp": recovery_codes[0]}, "/password"),
        ({"password": "demo", "otp": WRONG_CODE}, "/otp"),
    ]:
        for answer in (
            remove(client, **body),
            client.post_json("/auth/otp/recovery-codes", body),
        ):
            assert answer.status_code == 400
            assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]

    body = {"password": "demo", "otp": recovery_codes[0]}
    renewed = client.post_json("/auth/otp/recovery-codes", body)
    assert not {*renewed.json()["recovery_codes"]} & {*recovery_codes}
    assert log_in(otp=recovery_codes[1]).status_code == 401
    assert remove(client, password="demo", otp=code_of(secret)).status_code == 204
    assert log_in().status_code == 200


def test_attempts_to_change_the_factor_are_limited(secretary, as_user, settings):
    settings.LOGIN_FAILURES_PER_USER = 3
    client = as_user(secretary)
    body = {"password": "wrong"}

    statuses = [client.post_json("/auth/otp", body).status_code for _ in range(4)]

    assert statuses == [400, 400, 400, 429]


@pytest.mark.guarantee("A wrong one-time code counts like a wrong password.")
def test_right_password_without_code_resets_no_count_of_wrong_codes(
    secretary, as_user, settings
):
    settings.LOGIN_FAILURES_PER_USER = 3
    enrol(secretary)
    client, guess = as_user(secretary), {"password": "demo", "otp": WRONG_CODE}

    def guess_code():
        return client.delete("/auth/otp", guess, "application/json").status_code

    statuses = [guess_code(), guess_code()]
    client.post_json("/auth/otp", {"password": "demo"})
    statuses += [guess_code(), guess_code()]

    assert statuses == [400, 400, 429, 429]


# --- Demanded by the network


DEMANDED = {
    "superuser": True, "administrator": True, "secretary": True, "stranger": True,
    "teacher": False, "guardian": False,
}  # fmt: skip


@pytest.mark.guarantee(
    "Administrators and staff of a network that demands a second factor do nothing without."
)
@pytest.mark.parametrize("name", DEMANDED)
def test_demand_of_network_restricts_its_administrators_and_staff(
    network, demand, as_user, name
):
    if name == "superuser":  # of no network
        User.objects.create_superuser(name, password="demo")
    if name == "administrator":
        user = User.objects.create_user(name, password="demo", role=name)
        Attachment.objects.create(user=user, network=Network.objects.get())
    client = bearer_client(log_in(name).json()["access"])
    assert client.get("/reports").status_code == 200
    demand()
    clients = [client, bearer_client(log_in(name).json()["access"])]

    expected = (403, "second_factor_required") if DEMANDED[name] else (200, None)
    for client in clients:
        for path in ("/reports", "/tasks", "/schools"):
            assert outcome(client.get(path)) == expected
        assert client.get("/me").status_code == 200
    user = User.objects.get(username=name)
    enrol(user)
    assert as_user(user).get("/reports").status_code == 200


def test_demand_of_another_network_restricts_nobody_but_superusers(
    network, demand, secretary
):
    demand(Network.objects.create(code="other", name="Other"))

    assert log_in().status_code == 200
    assert not second_factor.is_missing(secretary)


@pytest.mark.parametrize("is_new_token", [False, True])
def test_demand_reaches_polls(secretary, demand, as_user, is_new_token):
    task = run_task(secretary)
    client = as_user(secretary)
    assert client.get(f"/tasks/{task.pk}").status_code == 200
    network = demand()
    if is_new_token:
        client = as_user(secretary)

    for _ in range(2):
        answer = client.get(f"/tasks/{task.pk}")
        assert outcome(answer) == (403, "second_factor_required")
    demand(network, is_demanded=False)
    assert client.get(f"/tasks/{task.pk}").status_code == 200


def test_poll_of_user_with_demanded_factor_needs_no_query(secretary, demand, as_user):
    demand()
    enrol(secretary)
    secretary.refresh_from_db()
    task = run_task(secretary)
    client = as_user(secretary)
    client.get(f"/tasks/{task.pk}")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(f"/tasks/{task.pk}").status_code == 200

    assert len(queries) == 0


def test_requirement_is_queried_once_a_minute(secretary, demand, as_user):
    enrol(secretary)
    client = as_user(secretary)

    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/reports").status_code == 200
        return len(queries)

    count_queries()  # fills the caches of the process
    before = count_queries()
    demand()
    assert count_queries() == before + 1
    assert count_queries() == before


def test_removal_of_demanded_factor_restricts_at_once(
    secretary, demand, as_user, django_capture_on_commit_callbacks
):
    task = run_task(secretary)
    demand()
    secret, _ = enrol(secretary)
    client = as_user(secretary)
    assert client.get(f"/tasks/{task.pk}").status_code == 200

    with django_capture_on_commit_callbacks(execute=True):
        removed = remove(client, password="demo", otp=code_of(secret))

    assert removed.status_code == 204
    for path in (f"/tasks/{task.pk}", "/reports"):
        assert outcome(client.get(path)) == (403, "second_factor_required")


def test_attachment_to_demanding_network_restricts_polls(
    secretary, demand, as_user, django_capture_on_commit_callbacks
):
    task = run_task(secretary)
    client = as_user(secretary)
    client.get(f"/tasks/{task.pk}")
    other = demand(Network.objects.create(code="other", name="Other"))

    with django_capture_on_commit_callbacks(execute=True):
        Attachment.objects.create(user=secretary, network=other)

    answer = client.get(f"/tasks/{task.pk}")
    assert outcome(answer) == (403, "second_factor_required")


def test_restricted_user_may_log_out_and_set_up(secretary, demand, as_user):
    demand()
    pair = log_in().json()
    client = bearer_client(pair["access"])
    started = client.post_json("/auth/otp", {"password": "demo"}).json()
    code = {"otp": code_of(started["secret"])}

    confirmed = client.post_json("/auth/otp/confirm", code).json()
    client = bearer_client(confirmed["access"])
    assert client.get("/reports").status_code == 200
    refresh = {"refresh": confirmed["refresh"]}
    assert client.post_json("/auth/logout", refresh).status_code == 204
    assert client.post_json("/auth/logout-all").status_code == 204
