import pytest

from api.openapi import examples
from tasks import lifecycle
from tasks.failures import TimedOut
from tasks.states import State
from tasks.status import document as task_document
from tests.support.task_factories import queue_task, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("examples do not depend on the database"),
]


def build_document(state, viewer):
    """Return the document of a task that reached the state by its real transitions."""
    if state in ("succeeded", "expired"):
        task = run_task(viewer)
        if state == "expired":
            lifecycle.erase(task)
    else:
        task = queue_task(viewer)
    if state in ("running", "failed"):
        task = lifecycle.claim(task.pk)
    if state == "failed":
        lifecycle.fail(task, TimedOut())
    if state == "canceled":
        lifecycle.cancel(task)
    task.refresh_from_db()
    return task_document.build_document(task)


def describe_members(document):
    """Return the names of the members, each with whether it is not null."""
    return {
        name: describe_members(value) if isinstance(value, dict) else value is not None
        for name, value in document.items()
        if name not in ("queue", "poll_after_ms", "progress", "parameters")
    }


@pytest.mark.guarantee("Every example matches its schema.")
@pytest.mark.parametrize("state", State)
def test_example_of_each_state_has_members_of_real_document(teacher, state):
    document = build_document(state, teacher)

    example = examples.task_example(state)
    assert describe_members(example) == describe_members(document)
    assert (example["parameters"] == {}) == (document["parameters"] == {})
    assert example["state"] == document["state"] == state


def test_example_rows_have_cell_types_of_real_rows(teacher):
    document = build_document("succeeded", teacher)

    example = examples.task_example("succeeded")["result"]
    (first, *_), (real_row, *_) = example["data"], document["result"]["data"]
    assert {name: type(cell) for name, cell in first.items()} == {
        name: type(cell) for name, cell in real_row.items()
    }
    assert example["filename"].startswith("Class performance – 1º ano A – ")
