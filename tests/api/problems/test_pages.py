"""HTML pages in place of problem documents."""

import re

import pytest
from django.db import OperationalError
from django.test import Client

from api.auth.tokens import access_token_for
from tasks import lifecycle
from tasks.status import downloads
from tests.support.contract import ContractClient
from tests.support.task_factories import queue_task, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("the pages do not depend on the database"),
]

BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NO_LINK = "?link=nonsense"
TASK_STATES = {
    "unknown link": (403, NO_LINK, "O link não vale mais", "The link has ended"),
    "no link": (401, "", "Identifique-se", "Authentication required"),
    "erased": (410, None, "O prazo do resultado acabou", "The result has expired"),
    "purged": (410, None, "A tarefa foi apagada", "The task was deleted"),
}


def open_in_browser(path, language="pt-BR", **headers):
    client = Client(
        raise_request_exception=False,
        headers={"Accept": BROWSER_ACCEPT, "Accept-Language": language},
    )
    return client.get(path, headers=headers)


def heading(answer):
    return re.search(r"<h1>(.*)</h1>", answer.content.decode())[1]


@pytest.fixture
def task(teacher):
    return run_task(teacher, format="csv")


@pytest.fixture
def link(as_user, teacher, task):
    return as_user(teacher).post_json(f"/tasks/{task.pk}/result/link").json()["url"]


@pytest.mark.parametrize("path", ["/nowhere", "/tasks/1", "/problems/none"])
@pytest.mark.parametrize(
    ("language", "title"),
    [("pt-BR", "Página não encontrada"), ("en", "Page not found")],
)
def test_browser_at_wrong_address_gets_page(path, language, title):
    answer = open_in_browser(path, language)

    assert (answer.status_code, heading(answer)) == (404, title)
    assert f'<html lang="{language}">' in answer.content.decode()
    assert answer["Content-Language"].lower() == language.lower()
    assert answer["X-Request-ID"] in answer.content.decode()


@pytest.mark.parametrize("accept", ["*/*", "application/json", "", "text/plain", None])
def test_program_at_wrong_address_gets_problem(accept):
    headers = {} if accept is None else {"Accept": accept}

    answer = Client().get("/nowhere", headers=headers)

    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert "Accept" in answer["Vary"]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_other_method_at_wrong_address_gets_problem(method):
    answer = getattr(Client(), method)("/nowhere", headers={"Accept": BROWSER_ACCEPT})

    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("cause", TASK_STATES)
def test_browser_at_dead_link_gets_page_in_its_language(task, link, cause):
    status, query, *titles = TASK_STATES[cause]
    address = link if query is None else f"/tasks/{task.pk}/result{query}"
    if cause in ("erased", "purged"):
        lifecycle.erase(task)
    if cause == "purged":
        ContractClient.for_user(task.requester).delete(f"/tasks/{task.pk}")

    answers = [open_in_browser(address, language) for language in ("pt-BR", "en")]

    assert [answer.status_code for answer in answers] == [status, status]
    assert list(map(heading, answers)) == titles
    assert not re.search(r"link=|login|/docs", answers[0].content.decode())


def test_browser_at_file_that_is_not_made_gets_page(teacher):
    task = queue_task(teacher)
    authorization = f"Bearer {access_token_for(teacher)}"

    answer = open_in_browser(f"/tasks/{task.pk}/result", Authorization=authorization)

    assert (answer.status_code, answer["Retry-After"]) == (409, "1")
    assert heading(answer) == "Não há resultado"


def test_program_at_dead_link_gets_problem(task):
    answer = ContractClient().get(f"/tasks/{task.pk}/result{NO_LINK}")

    assert answer.json()["code"] == "link_not_valid"
    assert "Accept" in answer["Vary"]


def test_browser_gets_page_while_the_database_is_away(link, monkeypatch):
    def fail(*_):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(downloads, "find_result", fail)

    answer = open_in_browser(link)

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert heading(answer) == "Indisponível no momento"


@pytest.mark.guarantee(
    "A page at a dead link is not stored, and its address is sent nowhere."
)
def test_page_has_the_security_headers_of_other_pages(task):
    page = open_in_browser(f"/tasks/{task.pk}/result{NO_LINK}")
    other = open_in_browser("/problems")

    shared = [
        "Content-Security-Policy", "Permissions-Policy", "X-Content-Type-Options",
        "X-Frame-Options", "Cross-Origin-Opener-Policy", "Content-Type",
    ]  # fmt: skip
    assert [page[name] for name in shared] == [other[name] for name in shared]
    assert page["Cache-Control"] == "private, no-store"
    assert page["Referrer-Policy"] == "no-referrer"
    assert "Accept" in page["Vary"]
