import uuid

from hypothesis import given
from hypothesis import strategies as st

from tasks.scheduling import positions
from tasks.scheduling.fair_order import QueuedTask

NEW_TASK_ID = uuid.UUID(int=10**9 << 64)


def task_id(created_at: int) -> uuid.UUID:
    return uuid.UUID(int=(created_at + 1) << 64)


def make_queue(requesters: list[int], creation_times: list[int]) -> list[QueuedTask]:
    return [
        QueuedTask(task_id(created_at), requester, None)
        for created_at, requester in zip(creation_times, requesters, strict=True)
    ]


@given(st.data(), st.lists(st.integers(1, 3), min_size=1, max_size=300))
def test_estimated_position_is_within_precision(data, requesters):
    creation_times = data.draw(st.permutations(range(len(requesters))))
    order = make_queue(requesters, creation_times)
    waits = [2.0 * rank for rank in range(len(order))]

    samples = positions.sample_positions(order, waits)

    for position, task in enumerate(order, 1):
        estimate = positions.estimate_position(task.id, samples[task.requester])
        assert abs(estimate["position"] - position) <= position / positions.PRECISION
        expected_wait = 2 * (position - 1)
        assert abs(estimate["estimated_wait_seconds"] - expected_wait) <= max(
            1, expected_wait / positions.PRECISION
        )


def test_samples_of_long_queue_are_few():
    order = make_queue([1] * 10_000, list(range(10_000)))

    samples = positions.sample_positions(order, [0.5 * rank for rank in range(10_000)])[
        1
    ]

    assert len(samples) < 200


def test_position_without_samples_is_unknown():
    assert positions.estimate_position(task_id(1), []) is None


def test_position_of_task_newer_than_samples_is_unknown():
    samples = positions.sample_positions(make_queue([1, 1], [0, 1]), [None, None])[1]

    assert positions.estimate_position(task_id(1), samples) == {
        "position": 2,
        "estimated_wait_seconds": None,
    }
    assert positions.estimate_position(NEW_TASK_ID, samples) is None
