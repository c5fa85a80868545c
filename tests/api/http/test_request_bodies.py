"""Valid and invalid request bodies, methods and `Accept` headers."""

import gzip
import json
import socket

import pytest
from django.http import HttpRequest
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from api.auth import throttles
from api.http.parsers import BoundedJSONParser

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("a body is refused before the database is read"),
]

REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}


def nest_arrays(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [17, 200, 30_000])
def test_body_nested_too_deeply_is_refused(as_user, teacher, depth):
    body = f'{{"report": {nest_arrays(depth)}}}'

    answer = as_user(teacher).post("/reports", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


class UnreadableStream:
    """Stream of a body that must not be read."""

    def read(self, _size=-1):
        raise AssertionError("the body is read")

    readline = read


def post_unread(client, path, length, content_type="application/json"):
    extra = {"CONTENT_LENGTH": str(length), "CONTENT_TYPE": content_type}
    return client.generic("POST", path, **extra, **{"wsgi.input": UnreadableStream()})


@pytest.mark.parametrize(
    ("path", "max_bytes"),
    [
        ("/reports", 64 * 1024),
        ("/me", 64 * 1024),
        ("/nothing", 64 * 1024),
        ("/admin", 64 * 1024),
        ("/admin/login/", 1024 * 1024),
        ("/admin/nothing", 1024 * 1024),
    ],
)
def test_declared_length_above_the_limit_of_the_path_returns_413(
    client, path, max_bytes
):
    answer = post_unread(client, path, max_bytes + 1)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["X-Request-ID"]


@pytest.mark.guarantee("Log-in limits are applied before a body is read.")
@pytest.mark.parametrize("path", ["/auth/token", "/admin/login/"])
def test_log_in_beyond_the_address_limit_is_refused_without_reading(
    client, settings, path
):
    settings.LOGIN_ATTEMPTS_PER_IP = 1
    form = {"username": "nobody", "password": "wrong"}
    is_json = {"content_type": "application/json"} if path == "/auth/token" else {}
    client.post(path, form, **is_json)

    # A smaller body is read, so that users who have logged in there before may pass.
    answer = post_unread(client, path, throttles.MAX_SMALL_BODY + 1)

    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024])
def test_body_too_large_returns_413(as_user, teacher, size):
    body = json.dumps(REPORT_REQUEST).ljust(size)

    answer = as_user(teacher).post("/reports", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_body_of_maximum_size_is_accepted(as_user, teacher):
    body = json.dumps(REPORT_REQUEST).ljust(64 * 1024)

    answer = as_user(teacher).post("/reports", body, content_type="application/json")

    assert answer.status_code == 202


def test_compressed_body_is_refused_without_unpacking(as_user, teacher):
    bomb = gzip.compress(b" " * 50_000_000)

    answer = as_user(teacher).post(
        "/reports",
        bomb,
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )

    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_content_encoding"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""]
)
def test_body_of_another_type_returns_415(as_user, teacher, content_type):
    answer = as_user(teacher).generic(
        "POST", "/reports", json.dumps(REPORT_REQUEST), content_type
    )

    assert answer.status_code == 415
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", "application/json;q=0", "image/*"]
)
@pytest.mark.parametrize("path", ["/reports", "/tasks", "/me", "/healthz"])
def test_accept_without_json_returns_406(as_user, teacher, path, accept):
    answer = as_user(teacher).get(path, headers={"Accept": accept})

    assert answer.status_code == 406
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_acceptable"
    assert "application/json" in answer.json()["developer_detail"]
    assert " " in answer.json()["developer_detail"]


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/*",
        "text/html, application/json;q=0.1",
        "text/html,*/*;q=0.8",
    ],
)
def test_accept_with_json_among_others_returns_200(as_user, teacher, accept):
    answer = as_user(teacher).get("/reports", headers={"Accept": accept})

    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_unsupported_method_returns_405(as_user, teacher, method):
    answer = getattr(as_user(teacher), method)("/reports")

    assert answer.status_code == 405
    assert answer["Allow"]
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.guarantee("A request whose body stops arriving is refused in time.")
def test_incomplete_body_raises_parse_error(teacher):
    client_side, server_side = socket.socketpair()
    with client_side, server_side, server_side.makefile("rb") as stream:
        client_side.send(b'{"report"')
        server_side.settimeout(0.1)
        request = Request(HttpRequest())

        with pytest.raises(ParseError) as caught:
            BoundedJSONParser().parse(stream, None, {"request": request})

    assert str(caught.value) == "O corpo não chegou."
