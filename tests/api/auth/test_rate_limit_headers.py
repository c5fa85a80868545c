"""Headers that tell the limits of wrong passwords (draft-ietf-httpapi-ratelimit-headers)."""

import re

import pytest

from tests.support.contract import ContractClient

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("failures are counted in Redis"),
]

ITEM = re.compile(r'"([a-z-]+)"((?:;[a-z]+=(?:[0-9]+|"[a-z-]+"))+)')


def parse(header):
    """Return the parameters of each item of a structured field, by the name."""
    items = {}
    for item in header.split(", "):
        match = ITEM.fullmatch(item)
        assert match, item
        items[match[1]] = dict(part.split("=") for part in match[2][1:].split(";"))
    return items


def log_in(password="demo"):
    return ContractClient().post_json(
        "/auth/token", {"username": "teacher", "password": password}
    )


@pytest.fixture
def limits(settings):
    settings.LOGIN_ATTEMPTS_PER_IP = 5
    settings.LOGIN_FAILURES_PER_USER = 3


@pytest.mark.usefixtures("limits", "teacher")
def test_log_in_tells_its_limits():
    answer = log_in()

    assert parse(answer["RateLimit-Policy"]) == {
        "wrong-passwords-of-address": {"q": "5", "w": "60"},
        "wrong-passwords-of-user": {"q": "3", "w": "300"},
    }
    assert parse(answer["RateLimit"]) == {
        "wrong-passwords-of-address": {"r": "5"},
        "wrong-passwords-of-user": {"r": "3"},
    }


@pytest.mark.usefixtures("limits", "teacher")
def test_wrong_password_lowers_what_is_left():
    answer = log_in("wrong")

    left = parse(answer["RateLimit"])
    assert answer.status_code == 401
    assert left["wrong-passwords-of-address"]["r"] == "4"
    assert left["wrong-passwords-of-user"]["r"] == "2"
    assert 295 <= int(left["wrong-passwords-of-user"]["t"]) <= 300


@pytest.mark.usefixtures("limits", "teacher")
def test_refused_log_in_may_be_repeated_when_the_window_ends():
    for _ in range(3):
        log_in("wrong")

    answer = log_in()

    left = parse(answer["RateLimit"])["wrong-passwords-of-user"]
    assert answer.status_code == 429
    assert left["r"] == "0"
    assert abs(int(left["t"]) - int(answer["Retry-After"])) <= 1


@pytest.mark.usefixtures("limits")
def test_change_of_password_tells_its_limits(as_user, teacher):
    body = {"current": "wrong", "new": "quatro cavalos no rio"}

    answer = as_user(teacher).post_json("/auth/password", body)

    assert answer.status_code == 400
    assert parse(answer["RateLimit"])["wrong-passwords-of-user"]["r"] == "2"


@pytest.mark.usefixtures("limits")
def test_body_that_cannot_be_read_tells_the_limit_of_the_address():
    answer = ContractClient().post("/auth/token", "{", content_type="application/json")

    assert answer.status_code == 400
    assert list(parse(answer["RateLimit"])) == ["wrong-passwords-of-address"]
