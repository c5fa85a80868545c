import re

import pytest
from django.test import Client

from api.auth.tokens import access_token_for
from api.views import health
from school.models import Role

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("CORS does not depend on the database"),
]

ALLOWED_ORIGIN = "https://pages.school.example"
FOREIGN_ORIGINS = [
    "https://evil.example", "http://pages.school.example", "null", "", "http://[",
    "https://pages.school.example.evil.example", "https://pages.school.example:8443",
    "https://x@pages.school.example", "*",
]  # fmt: skip
REQUEST_HEADERS = (
    "authorization, content-type, idempotency-key, prefer, if-none-match, if-match, "
    "if-range, range, last-event-id, x-request-id, accept-language, traceparent"
)
EXPOSED_HEADERS = (
    "Location, Retry-After, ETag, Link, Preference-Applied, Idempotency-Replayed, "
    "X-Request-ID, Content-Disposition, Content-Range, Accept-Ranges"
)


@pytest.fixture(autouse=True)
def allow_origin(settings):
    settings.CORS_ALLOWED_ORIGINS = [ALLOWED_ORIGIN]


@pytest.fixture
def page_client(teacher):
    """Client that acts as a page of the allowed origin with the teacher logged in."""
    return Client(
        raise_request_exception=False,
        headers={
            "Origin": ALLOWED_ORIGIN, "Authorization": f"Bearer {access_token_for(teacher)}",
        },
    )  # fmt: skip


def send_preflight(origin, method="POST", path="/reports"):
    headers = {
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": REQUEST_HEADERS,
    }  # fmt: skip
    return Client().options(path, headers=headers)


def header_names(response, header):
    return {name.strip().lower() for name in response[header].split(",")}


def cors_header_names(response):
    return [name for name in response.headers if name.lower().startswith("access-")]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
def test_preflight_allows_request_headers_and_is_cached(method):
    answer = send_preflight(ALLOWED_ORIGIN, method)

    assert answer["Access-Control-Allow-Origin"] == ALLOWED_ORIGIN
    assert method.lower() in header_names(answer, "Access-Control-Allow-Methods")
    assert set(REQUEST_HEADERS.split(", ")) <= header_names(
        answer, "Access-Control-Allow-Headers"
    )
    assert int(answer["Access-Control-Max-Age"]) >= 7200


def test_response_headers_are_exposed_to_pages(page_client):
    answer = page_client.post(
        "/reports", {"report": "?"}, content_type="application/json"
    )

    exposed = header_names(answer, "Access-Control-Expose-Headers")
    assert set(EXPOSED_HEADERS.lower().split(", ")) <= exposed
    assert "origin" in header_names(answer, "Vary")


@pytest.mark.guarantee("Only pages of configured origins may call the API.")
@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_foreign_origin_gets_no_cors_headers(origin):
    preflight, response = (
        send_preflight(origin),
        Client().get("/healthz", headers={"Origin": origin}),
    )

    assert (cors_header_names(preflight), cors_header_names(response)) == ([], [])
    assert response.status_code == 200


def test_cross_origin_response_uses_no_cookies(page_client):
    answers = [
        send_preflight(ALLOWED_ORIGIN),
        page_client.get("/reports"),
        page_client.get("/tasks"),
    ]

    for answer in answers:
        assert "Access-Control-Allow-Credentials" not in answer
        assert not answer.cookies


@pytest.mark.guarantee("A page of a configured origin can read every problem.")
def test_problem_is_readable_by_page_of_allowed_origin(
    page_client, settings, monkeypatch
):
    settings.MAX_ACTIVE_PER_ROLE = dict.fromkeys(Role.values, 0)
    monkeypatch.setattr(health.Healthz, "get", lambda *_: 1 / 0)
    monkeypatch.setattr("api.views.docs.problem_pages.list_problems", lambda: 1 / 0)
    body = {"report": "class_performance", "parameters": {"class_id": 1}}

    def post(path, content, **headers):
        return page_client.post(path, content, "application/json", headers=headers)

    answers = {
        400: post("/reports", {"report": "?"}),
        401: post("/auth/token", {"username": "teacher", "password": "?"}),
        404: page_client.get("/nothing"),
        405: page_client.delete("/reports"),
        406: page_client.get("/tasks", headers={"Accept": "text/csv"}),
        413: post("/reports", "x" * 70_000),
        415: page_client.post("/reports", "<x/>", "text/xml"),
        429: post("/reports", body),
        500: page_client.get("/healthz"),
    }
    assert {status: a.status_code for status, a in answers.items()} == {
        status: status for status in answers
    }
    outside_views = [
        page_client.get("/problems"),
        page_client.get("/healthz", headers={"Host": "?"}),
    ]
    assert [answer.status_code for answer in outside_views] == [500, 400]
    for answer in [*answers.values(), *outside_views]:
        assert answer["Access-Control-Allow-Origin"] == ALLOWED_ORIGIN
        assert answer.json()["code"]


def send_form(**headers):
    """Send a wrong password by a form; return the response."""
    form = "grant_type=password&username=teacher&password=wrong"
    return Client(headers=headers).post(
        "/auth/token", form, content_type="application/x-www-form-urlencoded"
    )


def remaining_attempts(response):
    return re.findall(r";r=([0-9]+)", response["RateLimit"])


@pytest.mark.guarantee("A page of a foreign origin cannot try passwords by a form.")
@pytest.mark.parametrize("origin", [*FOREIGN_ORIGINS, "http://testserver:1"])
def test_login_form_of_foreign_page_is_refused_uncounted(teacher, origin):
    before = send_form()

    refused = send_form(Origin=origin)

    assert (before.status_code, refused.status_code) == (401, 415)
    after = send_form()
    assert [int(n) - 1 for n in remaining_attempts(before)] == [
        int(n) for n in remaining_attempts(after)
    ]


@pytest.mark.parametrize("origin", [ALLOWED_ORIGIN, "http://testserver", "https://api"])
def test_login_form_of_own_or_allowed_page_is_read(teacher, settings, origin):
    settings.PUBLIC_URL = "https://api"

    assert send_form(Origin=origin).status_code == 401
