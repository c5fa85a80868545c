"""The client's own `label` and `metadata` of a task."""

import pytest

from tasks.models import Task

pytestmark = pytest.mark.django_db

REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}


def test_label_and_metadata_come_back_with_the_task(as_user, teacher):
    client = as_user(teacher)
    own = {"label": "Para a reunião", "metadata": {"screen": "home", "empty": ""}}

    accepted = client.post_json("/reports", {**REQUEST, **own}).json()
    polled = client.get(f"/tasks/{accepted['task_id']}").json()
    (listed,) = client.get("/tasks").json()["results"]

    for document in (accepted, polled, listed):
        assert {name: document[name] for name in own} == own
        assert document["title"] == "Desempenho das turmas"
        assert document["about"].endswith(" · 2026")


def test_task_without_them_has_null_and_an_empty_object(as_user, teacher):
    document = as_user(teacher).post_json("/reports", REQUEST).json()

    assert (document["label"], document["metadata"]) == (None, {})


def test_requests_of_different_labels_are_different_tasks(as_user, teacher):
    client = as_user(teacher)

    ids = [
        client.post_json("/reports", {**REQUEST, "label": label}).json()["task_id"]
        for label in ("a", "b", "b")
    ]

    assert ids[0] != ids[1] == ids[2]
    assert Task.objects.count() == 2


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("label", "x" * 201, "/label"),
        ("label", "", "/label"),
        ("label", 5, "/label"),
        ("label", "a\0b", "/label"),
        ("metadata", [], "/metadata"),
        ("metadata", {"n": 5}, "/metadata/n"),
        ("metadata", {"n": None}, "/metadata/n"),
        ("metadata", {"n": "x" * 501}, "/metadata/n"),
        ("metadata", {"n": "a\0b"}, "/metadata/n"),
        ("metadata", {"": "x"}, "/metadata"),
        ("metadata", {"a\0b": "x"}, "/metadata"),
        ("metadata", {"x" * 41: "x"}, "/metadata"),
        ("metadata", {str(n): "x" for n in range(21)}, "/metadata"),
    ],
)
def test_invalid_label_or_metadata_is_refused(as_user, teacher, member, value, pointer):
    answer = as_user(teacher).post_json("/reports", {**REQUEST, member: value})

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
