"""Rate limits of login attempts."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import MiddlewareNotUsed
from django.db import connection
from django.http import HttpResponse
from django.test import override_settings

from api.auth import throttles
from api.http.addresses import ForwardedAddressMiddleware
from school.hash_slots import HasherBusy
from school.models import User
from tasks import redis_store
from tests.support.contract import ContractClient

pytestmark = pytest.mark.django_db


def log_in(
    username="teacher", password="demo", *, address="192.0.2.1", extra="", **headers
):
    body = {"username": username, "password": password}
    return ContractClient(REMOTE_ADDR=address).post(
        "/auth/token",
        {**body, "extra": extra} if extra else body,
        content_type="application/json",
        headers=headers,
    )


def guess_passwords(times: int, username="teacher", **options):
    return [log_in(username, "wrong", **options).status_code for _ in range(times)]


@pytest.fixture
def one_failure_per_ip(settings):
    settings.LOGIN_ATTEMPTS_PER_IP = 1


@pytest.fixture
def no_delay(monkeypatch):
    """Delays of log-ins, recorded and not waited for."""
    delays = []
    monkeypatch.setattr(throttles.time, "sleep", delays.append)
    return delays


def test_login_after_ten_wrong_passwords_returns_429(teacher):
    assert guess_passwords(10) == [401] * 10

    answer = log_in()

    assert answer.status_code == 429
    assert answer.json()["code"] == "throttled"
    assert 290 <= int(answer["Retry-After"]) <= 300


@pytest.mark.guarantee("Failures of others at other addresses lock nobody out.")
def test_user_under_attack_logs_in_from_another_address(teacher, no_delay):
    for host in range(20):
        guess_passwords(10, address=f"203.0.113.{host}")
    no_delay.clear()

    assert log_in(address="192.0.2.1").status_code == 200
    assert no_delay == [throttles.MAX_DELAY_SECONDS]


def test_user_under_attack_logs_in_from_own_address_without_delay(teacher, no_delay):
    log_in(address="192.0.2.1")
    for host in range(20):
        guess_passwords(10, address=f"203.0.113.{host}")
    no_delay.clear()

    assert log_in(address="192.0.2.1").status_code == 200
    assert no_delay == []


def test_delay_of_a_user_grows_to_its_maximum(teacher, no_delay):
    for host in range(20):
        guess_passwords(1, address=f"203.0.113.{host}")

    assert no_delay == [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4, 4]


def test_delayed_login_really_waits(teacher, settings):
    settings.LOGIN_FAILURES_PER_USER = 1
    guess_passwords(1, address="203.0.113.1")
    started_at = time.monotonic()

    assert log_in(address="192.0.2.1").status_code == 200
    assert time.monotonic() - started_at >= throttles.DELAY_STEP_SECONDS


def test_refused_logins_count_for_nobody(teacher):
    guess_passwords(30)

    counts = {
        key.split(b"/")[0]: int(redis_store.client().get(key))
        for key in redis_store.client().keys("rate:*failures*")
    }
    assert counts == {
        b"rate:login-failures-by-ip": 10,
        b"rate:login-failures-by-pair": 10,
        b"rate:login-failures-by-user": 10,
    }


@pytest.mark.guarantee("A login attempt is counted before its password is checked.")
def test_concurrent_logins_do_not_exceed_the_limit(transactional_db, teacher):
    checked_passwords = []

    def count_check(**_):
        checked_passwords.append(1)

    def attempt(_):
        try:
            return log_in("teacher", "wrong").status_code
        finally:
            connection.close()

    user_login_failed.connect(count_check)
    with (
        ThreadPoolExecutor(24) as pool,
        override_settings(LOGIN_ATTEMPTS_PER_IP=1000),
    ):
        statuses = list(pool.map(attempt, range(200)))
    user_login_failed.disconnect(count_check)

    assert len(checked_passwords) == 10
    assert sorted(statuses) == [401] * 10 + [429] * 190


@pytest.mark.guarantee("Log-ins of one user do not keep the log-ins of others waiting.")
def test_parallel_good_logins_of_one_user_leave_the_hasher_to_others(
    transactional_db, teacher, monkeypatch
):
    User.objects.create_user("maria", password="demo")
    check_password, at_once, highest = User.check_password, Counter(), Counter()

    def check_slowly(user, password):
        at_once[user.username] += 1
        highest[user.username] = max(highest[user.username], at_once[user.username])
        time.sleep(0.2)
        at_once[user.username] -= 1
        return check_password(user, password)

    def attempt(username):
        try:
            return log_in(username).status_code
        finally:
            connection.close()

    monkeypatch.setattr(User, "check_password", check_slowly)
    with ThreadPoolExecutor(24) as pool:
        statuses = list(pool.map(attempt, ["teacher"] * 20 + ["maria"]))

    assert statuses[-1] == 200
    assert set(statuses) == {200, 429}
    assert highest["teacher"] <= 2


@pytest.mark.guarantee("Frequent successful logins are not throttled.")
def test_frequent_good_logins_are_not_throttled(teacher, one_failure_per_ip):
    assert {log_in().status_code for _ in range(30)} == {200}


def test_good_login_resets_failures_of_user(teacher, no_delay):
    guess_passwords(9)
    assert log_in().status_code == 200

    assert guess_passwords(10) == [401] * 10


def test_failures_of_many_users_count_towards_address_limit(teacher, settings):
    settings.LOGIN_ATTEMPTS_PER_IP = 3
    statuses = [log_in(f"user{i}", "wrong").status_code for i in range(4)]

    assert statuses == [401, 401, 401, 429]
    assert log_in().status_code == 429
    assert log_in(address="192.0.2.2").status_code == 200


@pytest.mark.guarantee("Failures of others behind one address lock no known user out.")
def test_known_user_logs_in_from_an_address_at_its_limit(
    teacher, stranger, one_failure_per_ip
):
    log_in("teacher")
    guess_passwords(1, "somebody")

    assert log_in("stranger").status_code == 429
    assert log_in("teacher").status_code == 200
    assert guess_passwords(11, "teacher") == [401] * 10 + [429]


def test_large_body_at_the_address_limit_is_refused_unread(teacher, one_failure_per_ip):
    log_in("teacher")
    guess_passwords(1, "somebody")

    assert log_in(extra="x" * throttles.MAX_SMALL_BODY).status_code == 429


def test_attempts_refused_by_address_do_not_count_for_user(teacher, settings, no_delay):
    settings.LOGIN_ATTEMPTS_PER_IP = 5
    guess_passwords(50)

    assert log_in(address="192.0.2.2").status_code == 200
    assert no_delay == []


def test_username_variants_share_one_limit(teacher):
    # Capitals, full-width letters, surrounding blanks.
    for spelling in ("teacher", "TEACHER", "ｔｅａｃｈｅｒ", " teacher ", "TeAcHeR"):
        guess_passwords(2, spelling)

    assert log_in().status_code == 429


def test_unknown_user_is_throttled_like_a_known_one(teacher, no_delay):
    def answers(username):
        bodies = []
        for attempt in range(22):
            answer = log_in(username, "wrong", address=f"203.0.113.{attempt % 2}")
            body = {**answer.json(), "request_id": ""}
            bodies.append((answer.status_code, body, answer.headers.keys()))
        return bodies, list(no_delay)

    of_teacher = answers("teacher")
    no_delay.clear()

    assert of_teacher == answers("nobody")
    assert [status for status, *_ in of_teacher[0]] == [401] * 20 + [429] * 2


def test_login_writes_no_username_to_redis(teacher):
    guess_passwords(1)
    log_in()

    assert not [key for key in redis_store.client().keys("*") if b"teacher" in key]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "fe80::1%eth0", False),
    ],
)
@pytest.mark.usefixtures("one_failure_per_ip", "teacher")
def test_ipv6_address_is_limited_by_network(one, other, is_same):
    guess_passwords(1, address=one)

    assert log_in(address=other).status_code == (429 if is_same else 200)


@pytest.mark.guarantee("Forwarded addresses are trusted from configured proxies only.")
@pytest.mark.parametrize(
    ("proxies", "one", "other", "is_same"),
    [
        (0, "198.51.100.1", "198.51.100.2", True),
        (1, "198.51.100.1", "198.51.100.2", False),
        (1, "198.51.100.1", "6.6.6.6, 198.51.100.1", True),
        (1, "unknown", "unknown", True),
        (2, "198.51.100.1, 10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.1", True),
    ],
)
@pytest.mark.usefixtures("one_failure_per_ip", "teacher")
def test_forwarded_address_behind_known_proxies_is_used(
    settings, proxies, one, other, is_same
):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    guess_passwords(1, **{"X-Forwarded-For": one})

    answer = log_in(**{"X-Forwarded-For": other})

    assert answer.status_code == (429 if is_same else 200)


@pytest.mark.guarantee("Forwarded addresses are trusted from configured proxies only.")
@pytest.mark.usefixtures("one_failure_per_ip", "teacher")
def test_forwarded_address_without_proxies_is_ignored():
    guess_passwords(1, **{"X-Forwarded-For": "198.51.100.1"})

    answer = log_in(**{"X-Forwarded-For": "198.51.100.2"})

    assert answer.status_code == 429


def test_forwarded_address_without_proxies_is_logged_once(rf):
    middleware = ForwardedAddressMiddleware(lambda _request: HttpResponse())

    with structlog.testing.capture_logs() as lines:
        middleware(rf.get("/"))
        middleware(rf.get("/", headers={"X-Forwarded-For": "198.51.100.1"}))
        middleware(rf.get("/", headers={"X-Forwarded-For": "198.51.100.1"}))

    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("forwarded_address_ignored", "warning")
    ]


def test_forwarded_address_with_proxies_is_not_watched(settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}

    with pytest.raises(MiddlewareNotUsed):
        ForwardedAddressMiddleware(lambda _request: HttpResponse())


@pytest.mark.guarantee("Malformed log-ins lock nobody out.")
@pytest.mark.parametrize("body", [[], "teacher", {"username": ["a"]}, {}, None])
@pytest.mark.usefixtures("one_failure_per_ip")
def test_invalid_login_body_counts_towards_no_limit(teacher, body):
    client = ContractClient(REMOTE_ADDR="192.0.2.1")
    statuses = [client.post_json("/auth/token", body).status_code for _ in range(15)]

    assert statuses == [400] * 15
    assert log_in().status_code == 200


@pytest.mark.parametrize("outage", ["redis_down", "redis_unresponsive"])
def test_login_without_redis_is_limited_without_delay(request, outage):
    User.objects.create_user("maria", password="demo")
    request.getfixturevalue(outage)
    started_at = time.monotonic()

    statuses = [log_in("maria").status_code for _ in range(6)]
    guesses = guess_passwords(11, "maria")

    assert statuses == [200] * 6
    assert guesses == [401] * 10 + [429]
    assert log_in("maria", address="192.0.2.2").status_code == 200
    assert time.monotonic() - started_at < 4


def test_busy_hasher_answers_503_and_counts_no_attempt(teacher, monkeypatch):
    def refuse(*_arguments):
        raise HasherBusy

    with monkeypatch.context() as patch:
        patch.setattr(User, "check_password", refuse)
        answers = [log_in() for _ in range(15)]

    assert {(a.status_code, a["Retry-After"]) for a in answers} == {(503, "2")}
    assert guess_passwords(11) == [401] * 10 + [429]


@pytest.mark.parametrize("value", ["garbage", "9" * 12, "[]"])
def test_garbage_in_the_rate_limits_is_forgotten(teacher, value):
    guess_passwords(1)
    for key in redis_store.client().keys("rate:*"):
        redis_store.client().set(key, value)  # without an end

    log_in()

    assert log_in().status_code == 200


def test_rate_limit_after_its_retry_after_allows_a_hit(teacher):
    rate = redis_store.Rate("tries", 2, 1)
    assert [rate.hit("a"), rate.hit("a"), rate.hit("b")] == [0, 0, 0]
    wait = rate.hit("a")

    # Redis drops a key when the millisecond of its end is over.
    time.sleep(wait + 0.01)

    assert wait == 1
    assert rate.hit("a") == 0


def test_rate_without_its_undone_hits_is_not_reached():
    rate = redis_store.Rate("tries", 2, 60)
    for _ in range(5):
        rate.hit("a")
        rate.undo_hit("a")

    assert rate.count("a") == 0
    assert [rate.hit("a"), rate.hit("a")] == [0, 0]
    assert 59 <= rate.hit("a") <= 60


@pytest.fixture
def superuser(admin):
    admin.is_staff = admin.is_superuser = True
    admin.save()
    return admin


@pytest.mark.parametrize("prefix", ["", "/x"])
def test_admin_login_form_shares_the_limit(client, admin, settings, prefix):
    settings.LOGIN_FAILURES_PER_USER = 2
    form = {"username": "admin", "password": "wrong"}

    tried = [
        client.post("/admin/login/", form, SCRIPT_NAME=prefix).status_code
        for _ in range(3)
    ]
    last = client.post("/auth/token", form, content_type="application/json")

    assert tried == [200, 200, 429]
    assert last.status_code == 429
    assert last["Retry-After"]


def test_admin_login_form_without_password_counts_towards_no_limit(
    client, superuser, settings
):
    settings.LOGIN_FAILURES_PER_USER = settings.LOGIN_ATTEMPTS_PER_IP = 1
    for form in ({}, {"username": "admin"}, {"password": ""}):
        client.post("/admin/login/", form)

    assert (
        client.post(
            "/admin/login/", {"username": "admin", "password": "demo"}
        ).status_code
        == 302
    )


def test_admin_login_form_at_the_address_limit_admits_known_users(
    client, superuser, one_failure_per_ip
):
    form = {"username": "admin", "password": "demo"}
    statuses = [client.post("/admin/login/", form).status_code]
    client.logout()
    client.post("/admin/login/", {"username": "nobody", "password": "x"})
    statuses += [
        client.post("/admin/login/", {**form, "username": "nobody"}).status_code,
        client.post("/admin/login/", form).status_code,
    ]

    assert statuses == [302, 429, 302]


def test_admin_login_form_counts_for_the_user_in_the_form(
    client, superuser, teacher, settings
):
    settings.LOGIN_FAILURES_PER_USER = 2
    client.force_login(superuser)
    form = {"username": "teacher", "password": "wrong"}

    assert [client.post("/admin/login/", form).status_code for _ in range(3)] == [
        200,
        200,
        429,
    ]


def test_admin_password_change_limits_wrong_passwords(client, superuser, settings):
    settings.LOGIN_FAILURES_PER_USER = 2
    client.force_login(superuser)
    form = {"old_password": "wrong", "new_password1": "x", "new_password2": "y"}
    right = {**form, "old_password": "demo"}

    statuses = [
        client.post("/admin/password_change/", data).status_code
        for data in (right, right, right, form, form, right)
    ]

    assert statuses == [200] * 5 + [429]


def test_admin_with_busy_hasher_answers_503(client, superuser, monkeypatch):
    def refuse(*_arguments):
        raise HasherBusy

    monkeypatch.setattr(User, "check_password", refuse)
    form = {"username": "admin", "password": "demo"}

    answers = [client.post("/admin/login/", form) for _ in range(12)]

    assert {(a.status_code, a["Retry-After"]) for a in answers} == {(503, "2")}


def test_admin_good_logins_are_not_throttled(client, superuser, settings):
    settings.LOGIN_FAILURES_PER_USER = 2
    form = {"username": "admin", "password": "demo"}

    tried = [client.post("/admin/login/", form).status_code for _ in range(4)]

    assert tried == [302] * 4
