import uuid

from hypothesis import given
from hypothesis import strategies as st

from tasks.scheduling import positions
from tasks.scheduling.fair_order import QueuedTask

NEW_TASK_ID = uuid.UUID(int=10**9 << 64)


def task_id(age: int) -> uuid.UUID:
    return uuid.UUID(int=(age + 1) << 64)


def make_queue(requesters: list[int], ages: list[int]) -> list[QueuedTask]:
    return [
        QueuedTask(task_id(age), requester, None)
        for age, requester in zip(ages, requesters, strict=True)
    ]


@given(st.data(), st.lists(st.integers(1, 3), min_size=1, max_size=300))
def test_place_is_exact_in_front_and_near_behind_in_any_order(data, requesters):
    ages = data.draw(st.permutations(range(len(requesters))))
    order = make_queue(requesters, ages)
    waits = [2.0 * rank for rank in range(len(order))]

    marks = positions.sample_positions(order, waits)

    for position, task in enumerate(order, 1):
        told = positions.estimate_position(task.id, marks[task.requester])
        assert abs(told["position"] - position) <= position / positions.PRECISION
        real = 2 * (position - 1)
        assert abs(told["estimated_wait_seconds"] - real) <= max(
            1, real / positions.PRECISION
        )


def test_marks_of_a_long_line_are_few():
    order = make_queue([1] * 10_000, list(range(10_000)))

    marks = positions.sample_positions(order, [0.5 * rank for rank in range(10_000)])[1]

    assert len(marks) < 200


def test_place_is_unknown_while_nobody_measures():
    assert positions.estimate_position(task_id(1), []) is None


def test_place_of_a_task_newer_than_the_measurement_is_unknown():
    marks = positions.sample_positions(make_queue([1, 1], [0, 1]), [None, None])[1]

    assert positions.estimate_position(task_id(1), marks) == {
        "position": 2,
        "estimated_wait_seconds": None,
    }
    assert positions.estimate_position(NEW_TASK_ID, marks) is None
