import pytest
from django.test import Client

from api.auth.tokens import access_token_for
from api.views import health

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("origins know nothing of rows"),
]

OURS = "https://pages.school.example"
FOREIGN = [
    "https://evil.example", "http://pages.school.example", "null", "", "http://[",
    "https://pages.school.example.evil.example", "https://pages.school.example:8443",
    "https://x@pages.school.example", "*",
]  # fmt: skip
SENT = (
    "authorization, content-type, idempotency-key, prefer, if-none-match, if-match, "
    "if-range, range, last-event-id, x-request-id, accept-language, traceparent"
)
READ = (
    "Location, Retry-After, ETag, Link, Preference-Applied, Idempotency-Replayed, "
    "X-Request-ID, Content-Disposition, Content-Range, Accept-Ranges"
)


@pytest.fixture(autouse=True)
def pages_of_ours(settings):
    settings.CORS_ALLOWED_ORIGINS = [OURS]


@pytest.fixture
def page(teacher):
    """A page of ours, on which the teacher is logged in."""
    return Client(
        raise_request_exception=False,
        headers={
            "Origin": OURS, "Authorization": f"Bearer {access_token_for(teacher)}",
        },
    )  # fmt: skip


def preflight(origin, method="POST", path="/reports"):
    asked = {
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": SENT,
    }  # fmt: skip
    return Client().options(path, headers=asked)


def listed(answer, header):
    return {name.strip().lower() for name in answer[header].split(",")}


def of_cors(answer):
    return [name for name in answer.headers if name.lower().startswith("access-")]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
def test_preflight_allows_what_clients_send_and_is_kept(method):
    answer = preflight(OURS, method)

    assert answer["Access-Control-Allow-Origin"] == OURS
    assert method.lower() in listed(answer, "Access-Control-Allow-Methods")
    assert set(SENT.split(", ")) <= listed(answer, "Access-Control-Allow-Headers")
    assert int(answer["Access-Control-Max-Age"]) >= 7200


def test_page_may_read_what_answers_tell_in_headers(page):
    answer = page.post("/reports", {"report": "?"}, content_type="application/json")

    exposed = listed(answer, "Access-Control-Expose-Headers")
    assert set(READ.lower().split(", ")) <= exposed
    assert "origin" in listed(answer, "Vary")


@pytest.mark.guarantee("Only pages of configured origins may call the API.")
@pytest.mark.parametrize("origin", FOREIGN)
def test_other_origin_gets_no_leave(origin):
    asked, got = preflight(origin), Client().get("/healthz", headers={"Origin": origin})

    assert (of_cors(asked), of_cors(got)) == ([], [])
    assert got.status_code == 200


def test_no_cookie_is_asked_for_or_set(page):
    answers = [preflight(OURS), page.get("/reports"), page.get("/tasks")]

    for answer in answers:
        assert "Access-Control-Allow-Credentials" not in answer
        assert not answer.cookies


@pytest.mark.guarantee("A page of a configured origin can read every problem.")
def test_problems_can_be_read_by_a_page(page, settings, monkeypatch):
    settings.MAX_ACTIVE_PER_REQUESTER = 0
    monkeypatch.setattr(health.Healthz, "get", lambda *_: 1 / 0)
    monkeypatch.setattr("api.views.docs.problem_pages.problems", lambda: 1 / 0)
    body = {"report": "class_performance", "parameters": {"class_id": 1}}

    def post(path, content, **headers):
        return page.post(path, content, "application/json", headers=headers)

    answers = {
        400: post("/reports", {"report": "?"}),
        401: post("/auth/token", {"username": "teacher", "password": "?"}),
        404: page.get("/nothing"),
        405: page.delete("/reports"),
        406: page.get("/tasks", headers={"Accept": "text/csv"}),
        413: post("/reports", "x" * 70_000),
        415: page.post("/reports", "<x/>", "text/xml"),
        429: post("/reports", body),
        500: page.get("/healthz"),
    }
    assert {status: a.status_code for status, a in answers.items()} == {
        status: status for status in answers
    }
    outside_views = [page.get("/problems"), page.get("/healthz", headers={"Host": "?"})]
    assert [answer.status_code for answer in outside_views] == [500, 400]
    for answer in [*answers.values(), *outside_views]:
        assert answer["Access-Control-Allow-Origin"] == OURS
        assert answer.json()["code"]
