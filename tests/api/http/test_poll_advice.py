"""Poll interval that the service advises (`poll_after_ms`)."""

import time
import uuid

import pytest

from api.http.task_responses import Advice
from tasks.status.reader import TaskSnapshot


def poll_after_seconds(
    state: str = "running",
    *,
    age: float = 0.0,
    expected_seconds: float | None = None,
    remaining_seconds: float | None = None,
    queue_wait_seconds: float | None = None,
) -> float:
    """Return `poll_after_ms` in seconds for a task of this age."""
    now = time.time() * 1000
    id = uuid.UUID(int=(round(now - age * 1000) << 80) + 1)
    positions = (
        {}
        if queue_wait_seconds is None
        else {"reports": [(id.int >> 64, 3, queue_wait_seconds)]}
    )
    snapshot = TaskSnapshot(
        id, state, "reports", b"{}", positions,
        expected_duration_ms=expected_seconds and round(expected_seconds * 1000),
        eta_ms=None if remaining_seconds is None else round(now + remaining_seconds * 1000),
    )  # fmt: skip
    return Advice.for_task(snapshot).poll_after_ms / 1000


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"remaining_seconds": 4.0}, 4.3),  # from the progress
        ({"remaining_seconds": 60.0}, 60.3),
        ({"remaining_seconds": 6000.0}, 300.0),  # capped, because estimates may be wrong
        ({"remaining_seconds": 0.01}, 0.31),
        ({"remaining_seconds": -1.0, "age": 8}, 1.0),  # longer than estimated
        ({"remaining_seconds": -99.0, "age": 200}, 10.0),
        ({"age": 0.1}, 0.25),  # no estimate: soon for a new task,
        ({"age": 20}, 5.0),  # later for an old one,
        ({"age": 3600}, 10.0),  # with an upper limit
        ({"state": "queued", "expected_seconds": 2.0}, 2.3),
        ({"state": "queued", "expected_seconds": 2.0, "queue_wait_seconds": 3}, 5.3),
        ({"state": "queued", "expected_seconds": 2.0, "queue_wait_seconds": 200}, 202.3),
        ({"state": "queued", "expected_seconds": 2.0, "queue_wait_seconds": 3000}, 300.0),
    ],
)  # fmt: skip
def test_poll_after_follows_the_expected_end(task, expected):
    assert poll_after_seconds(**task) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("state", ["succeeded", "failed", "canceled", "expired"])
def test_poll_after_of_final_task_is_none(state):
    final_snapshot = TaskSnapshot(uuid.uuid4(), state, "reports", b"{}", {})

    assert Advice.for_task(final_snapshot) == Advice(None, None, None)


@pytest.mark.parametrize("seconds", [10, 60])
def test_poll_after_needs_a_tenth_of_half_second_polls(seconds):
    age, polls = 0.0, 0
    while age < seconds:
        age += poll_after_seconds(age=age, remaining_seconds=seconds - age)
        polls += 1

    assert polls <= seconds / 0.5 / 10
    assert age - seconds <= 0.5
