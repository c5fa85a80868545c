"""Response headers that the middleware sets."""

import pytest

from tests.support.task_factories import run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("headers do not depend on the database"),
]

CREDENTIALS = {"username": "teacher", "password": "demo"}


@pytest.mark.guarantee("No shared cache stores a user's response.")
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
def test_user_response_is_private_and_not_stored(as_user, teacher, method, path, body):
    send = getattr(as_user(teacher), method)

    answer = send(path, body, content_type="application/json")

    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/docs", "/openapi.yaml", "/problems"])
def test_public_page_may_be_cached(client, path):
    assert "Cache-Control" not in client.get(path)


@pytest.mark.guarantee("No shared cache stores a user's response.")
def test_response_without_body_has_no_content_headers(as_user, teacher):
    client, path = as_user(teacher), f"/tasks/{run_task(teacher).pk}"
    conditions = {"If-None-Match": client.get(path)["ETag"]}

    unchanged = client.get(path, headers=conditions)
    erased = client.delete(path)

    assert (unchanged.status_code, erased.status_code) == (304, 204)
    for answer in unchanged, erased:
        assert not {"Content-Length", "Content-Type"} & answer.headers.keys()


@pytest.mark.parametrize("form", ['W/"{}"', '"{}"', '"other", W/"{}"', "*"])
def test_document_with_matching_etag_returns_304(as_user, teacher, form):
    client, path = as_user(teacher), f"/tasks/{run_task(teacher).pk}"
    digest = client.get(path)["ETag"].removeprefix("W/").strip('"')

    answer = client.get(path, headers={"If-None-Match": form.format(digest)})

    assert answer.status_code == 304
