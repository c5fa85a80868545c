import re

import pytest
from django.test import Client

from api.problems.handler import _CODE_BY_EXCEPTION
from api.problems.registry import PROBLEMS
from tasks.errors import FAILURES, LimitExceeded

LANGUAGES = {"pt-BR": "Todos os problemas", "en": "All problems"}


def get_page(path, language="pt-BR"):
    response = Client().get(path, headers={"Accept-Language": language})
    return response, response.content.decode()


@pytest.mark.guarantee("Every problem code has its page.")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [*PROBLEMS, *FAILURES])
def test_every_code_has_its_page_in_both_languages(code, language):
    answer, html = get_page(f"/problems/{code}", language)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert f'<html lang="{language}">' in html
    assert LANGUAGES[language] in html
    assert f"&quot;type&quot;: &quot;/problems/{code}&quot;" in html
    assert 'href="/docs"' in html


def test_every_code_that_is_raised_is_known_and_means_one_thing():
    assert set(_CODE_BY_EXCEPTION.values()) <= PROBLEMS.keys()
    assert {kind.code for kind in LimitExceeded.__subclasses__()} <= PROBLEMS.keys()
    assert not PROBLEMS.keys() & FAILURES.keys()


def test_page_of_a_problem_says_status_advice_and_example():
    _, html = get_page("/problems/queue_full", "en")

    assert "HTTP 429" in html
    assert "<h1>Too many reports wait</h1>" in html
    assert "Ask again after <code>Retry-After</code> seconds." in html
    assert "&quot;queue_length&quot;: 12" in html


def test_page_of_a_failure_says_meaning_advice_and_example():
    _, html = get_page("/problems/internal", "en")

    assert "HTTP 500" not in html
    assert "because of a fault of ours." in html
    assert "report it with the <code>reference</code>." in html
    assert "&quot;reference&quot;:" in html


def test_what_looks_like_markup_in_an_advice_is_text():
    _, html = get_page("/problems/not_authenticated", "en")

    assert "<code>Authorization: Bearer &lt;access token&gt;</code>" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_list_leads_to_every_page(language):
    _, html = get_page("/problems", language)

    linked = re.findall(r'href="/problems/(\w+)"', html)
    assert linked == [*PROBLEMS, *FAILURES]
    assert f'<html lang="{language}">' in html


@pytest.mark.parametrize("path", ["/problems", "/problems/timeout"])
def test_page_needs_nothing_that_the_policy_forbids(path):
    answer, html = get_page(path)

    assert "<script" not in html
    assert "style=" not in html
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)">', html)
    assert sheets == ["/static/api/pages.css"]
    assert b"color-scheme" in b"".join(Client().get(sheets[0]))
    assert "default-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("code", ["nothing", "Timeout", "a-b"])
def test_code_that_is_none_is_not_found(code):
    answer = Client().get(f"/problems/{code}")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/", "/problems", "/problems/not_found", "/docs"])
def test_pages_are_only_read(client, path):
    answer = client.post(path)

    assert answer.status_code == 405
    assert "GET" in answer["Allow"]
    assert answer["Content-Type"] == "application/problem+json"


def test_admin_keeps_its_own_protection():
    strict = Client(enforce_csrf_checks=True)

    assert strict.post("/admin/login/").status_code == 403


@pytest.mark.django_db
def test_fault_of_ours_is_a_problem_that_tells_nothing(as_user, teacher, monkeypatch):
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
