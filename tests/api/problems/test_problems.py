import re

import pytest
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client
from django.utils.translation import override
from rest_framework.request import Request
from rest_framework.views import APIView

from api.problems.handler import _CODE_BY_EXCEPTION, ProblemHandler
from api.problems.registry import PROBLEMS
from school.db.outage import outage
from tasks.errors import LimitExceeded
from tasks.failures import FAILURES

LANGUAGES = {"pt-BR": "Todos os problemas", "en": "All problems"}


def get_page(path, language="pt-BR"):
    response = Client().get(path, headers={"Accept-Language": language})
    return response, response.content.decode()


@pytest.mark.guarantee("Every problem code has its page.")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [*PROBLEMS, *FAILURES])
def test_problem_code_has_a_page_in_both_languages(code, language):
    answer, html = get_page(f"/problems/{code}", language)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert f'<html lang="{language}">' in html
    assert LANGUAGES[language] in html
    assert f"&quot;type&quot;: &quot;/problems/{code}&quot;" in html
    assert 'href="/docs"' in html


def test_raised_codes_are_registered_and_unambiguous():
    assert set(_CODE_BY_EXCEPTION.values()) <= PROBLEMS.keys()
    assert {kind.code for kind in LimitExceeded.__subclasses__()} <= PROBLEMS.keys()
    assert not PROBLEMS.keys() & FAILURES.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_advice_for_programmers_never_repeats_the_sentence_for_people(language):
    with override(language.lower()):
        repeated = [
            code
            for code, problem in PROBLEMS.items()
            if str(problem.detail) == str(problem.advice)
        ]

    assert repeated == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("/classes/999", PROBLEMS["not_found"].advice),
        ("/tasks/01a20946-63d7-7452-9ebd-6b7659a55ab6", PROBLEMS["not_found"].advice),
        ("/nothing", PROBLEMS["not_found"].advice),
    ],
)
def test_missing_record_has_advice_for_programmers(as_user, teacher, path, advice):
    problem = as_user(teacher).get(path).json()

    assert problem["status"] == 404
    assert problem["developer_detail"] == str(advice)
    assert problem["detail"] not in problem["developer_detail"]


@pytest.mark.django_db
def test_missing_token_has_advice_for_programmers(client):
    problem = client.get("/me").json()

    assert problem["developer_detail"] == str(PROBLEMS["not_authenticated"].advice)


def test_problem_page_has_status_advice_and_example():
    _, html = get_page("/problems/queue_full", "en")

    assert "HTTP 429" in html
    assert "<h1>The queue is full</h1>" in html
    assert "Try again after <code>Retry-After</code> seconds." in html
    assert "&quot;queue_length&quot;: 12" in html


def test_failure_page_has_meaning_advice_and_example():
    _, html = get_page("/problems/internal", "en")

    assert "HTTP 500" not in html
    assert "because of an internal error." in html
    assert "report it with the <code>reference</code>." in html
    assert "&quot;reference&quot;:" in html


def test_problem_page_escapes_markup_in_advice():
    _, html = get_page("/problems/not_authenticated", "en")

    assert "<code>Authorization: Bearer &lt;access token&gt;</code>" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_problem_list_links_every_page(language):
    _, html = get_page("/problems", language)

    linked = re.findall(r'href="/problems/(\w+)"', html)
    assert linked == [*PROBLEMS, *FAILURES]
    assert f'<html lang="{language}">' in html


@pytest.mark.parametrize("path", ["/problems", "/problems/timeout"])
def test_problem_page_complies_with_its_csp(path):
    answer, html = get_page(path)

    assert "<script" not in html
    assert "style=" not in html
    stylesheets = re.findall(r'<link rel="stylesheet" href="([^"]+)">', html)
    assert stylesheets == ["/static/api/pages.css"]
    assert b"color-scheme" in b"".join(Client().get(stylesheets[0]))
    assert "default-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("code", ["nothing", "Timeout", "a-b"])
def test_unknown_problem_code_returns_404(code):
    answer = Client().get(f"/problems/{code}")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/", "/problems", "/problems/not_found", "/docs"])
def test_problem_pages_refuse_post(client, path):
    answer = client.post(path)

    assert answer.status_code == 405
    assert "GET" in answer["Allow"]
    assert answer["Content-Type"] == "application/problem+json"


def test_admin_login_keeps_csrf_protection():
    strict = Client(enforce_csrf_checks=True)

    assert strict.post("/admin/login/").status_code == 403


@pytest.mark.django_db
def test_internal_error_problem_hides_details(as_user, teacher, monkeypatch):
    def fail(_viewer):
        raise RuntimeError("a secret of the records")

    monkeypatch.setattr("school.access.attached_records", fail)
    client = as_user(teacher)
    client.raise_request_exception = False

    answer = client.get("/me", headers={"X-Request-ID": "of-the-client"})

    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert (document["code"], document["request_id"]) == (
        "internal_error",
        "of-the-client",
    )
    assert b"secret" not in answer.content


@pytest.mark.parametrize("is_known", [True, False])
def test_error_of_a_database_that_is_away_is_logged_with_its_outage_only(is_known):
    reports = []
    error = OperationalError("connection refused")
    if is_known:
        outage.report(error)
    got_request_exception.connect(report := lambda **_: reports.append(1))
    context = {"view": APIView(), "request": Request(HttpRequest())}

    response = ProblemHandler(error, context).run()

    got_request_exception.disconnect(report)
    assert response.status_code == 503
    assert bool(reports) is not is_known
