import pytest

from api.openapi import examples
from tasks import lifecycle
from tasks.errors import TimedOut
from tasks.states import State
from tasks.status import document as task_document
from tests.support.task_factories import queue_task, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("examples are documents and not rows"),
]


def build_document(state, viewer):
    """A task in that state, by the functions that bring it there."""
    if state in ("succeeded", "expired"):
        task = run_task(viewer)
        if state == "expired":
            lifecycle.expire(task)
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
    """Which members there are, and which of them say something."""
    return {
        name: describe_members(value) if isinstance(value, dict) else value is not None
        for name, value in document.items()
        if name not in ("queue", "poll_after_ms", "progress", "parameters")
    }


@pytest.mark.guarantee("Every example matches its schema.")
@pytest.mark.parametrize("state", State)
def test_example_of_each_state_is_filled_as_the_real_one(teacher, state):
    document = build_document(state, teacher)

    example = examples.task_example(state)
    assert describe_members(example) == describe_members(document)
    assert (example["parameters"] == {}) == (document["parameters"] == {})
    assert example["state"] == document["state"] == state


def test_rows_of_the_example_are_the_report_s_own(teacher):
    document = build_document("succeeded", teacher)

    example = examples.task_example("succeeded")["result"]
    (first, *_), (real_one, *_) = example["data"], document["result"]["data"]
    assert {name: type(cell) for name, cell in first.items()} == {
        name: type(cell) for name, cell in real_one.items()
    }
    assert example["filename"].partition(" 20")[0] == "Class performance"
