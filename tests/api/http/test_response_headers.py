"""The headers that no view thinks of."""

import pytest

from tests.support.task_factories import run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("headers know nothing of rows"),
]

CREDENTIALS = {"username": "teacher", "password": "demo"}


@pytest.mark.guarantee("No cache keeps the answer of another user.")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "/tasks", None),
        ("get", "/reports", None),
        ("get", "/me", None),
        ("get", "/tasks/01a20946-63d7-7452-9ebd-6b7659a55ab6", None),
        ("get", "/nowhere", None),
        ("post", "/auth/token", CREDENTIALS),
        ("post", "/reports", {}),
    ],
)
def test_answer_is_for_its_reader_alone(as_user, teacher, method, path, body):
    send = getattr(as_user(teacher), method)

    answer = send(path, body, content_type="application/json")

    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/docs", "/openapi.yaml", "/problems"])
def test_what_is_everybody_s_may_be_kept(client, path):
    assert "Cache-Control" not in client.get(path)


@pytest.mark.guarantee("No cache keeps the answer of another user.")
def test_answer_without_a_body_says_nothing_of_one(as_user, teacher):
    client, path = as_user(teacher), f"/tasks/{run_task(teacher).pk}"
    conditions = {"If-None-Match": client.get(path)["ETag"]}

    unchanged = client.get(path, headers=conditions)
    erased = client.delete(path)

    assert (unchanged.status_code, erased.status_code) == (304, 204)
    for answer in unchanged, erased:
        assert not {"Content-Length", "Content-Type"} & answer.headers.keys()


@pytest.mark.parametrize("form", ['W/"{}"', '"{}"', '"other", W/"{}"', "*"])
def test_document_that_is_known_is_not_sent_again(as_user, teacher, form):
    client, path = as_user(teacher), f"/tasks/{run_task(teacher).pk}"
    mark = client.get(path)["ETag"].removeprefix("W/").strip('"')

    answer = client.get(path, headers={"If-None-Match": form.format(mark)})

    assert answer.status_code == 304
