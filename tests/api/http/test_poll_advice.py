"""When a client is told to ask again."""

import time
import uuid

import pytest

from api.http.task_responses import volatile_fields
from tasks.status.reader import TaskSnapshot


def poll_after_seconds(
    state: str = "running",
    *,
    age: float = 0.0,
    expected_seconds: float | None = None,
    remaining_seconds: float | None = None,
    queue_wait_seconds: float | None = None,
) -> float:
    """Seconds after which to ask again for a task of that age."""
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
    return volatile_fields(snapshot)["poll_after_ms"] / 1000


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"remaining_seconds": 4.0}, 4.3),  # as progress has it
        ({"remaining_seconds": 60.0}, 10.0),  # but its progress is shown now and then
        ({"remaining_seconds": 0.01}, 0.31),
        ({"remaining_seconds": -1.0, "age": 8}, 1.0),  # runs over
        ({"age": 0.1}, 0.25),  # nothing is known: soon for what is new,
        ({"age": 20}, 5.0),  # later for what is old,
        ({"age": 3600}, 10.0),  # but not too late
        ({"state": "queued", "expected_seconds": 2.0}, 2.3),
        ({"state": "queued", "expected_seconds": 2.0, "queue_wait_seconds": 3}, 5.3),
        ({"state": "queued", "expected_seconds": 2.0, "queue_wait_seconds": 300}, 10.0),
    ],
)  # fmt: skip
def test_client_is_told_to_ask_when_the_end_is_likely(told, expected):
    assert poll_after_seconds(**told) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("state", ["succeeded", "failed", "canceled", "expired"])
def test_final_task_need_not_be_asked_for_again(state):
    reading = TaskSnapshot(uuid.uuid4(), state, "reports", b"{}", {})

    assert volatile_fields(reading) == {"queue": None, "poll_after_ms": None}


@pytest.mark.parametrize("seconds", [10, 60])
def test_poll_that_takes_the_advice_asks_a_tenth_as_often_as_every_half_second(seconds):
    age, polls = 0.0, 0
    while age < seconds:
        age += poll_after_seconds(age=age, remaining_seconds=seconds - age)
        polls += 1

    assert polls <= seconds / 0.5 / 10
    assert age - seconds <= 0.5
