import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scheduling.fair_order import QueuedTask, fair_order

SCHOOLS = st.none() | st.integers(1, 4)
REQUESTERS = st.tuples(st.integers(1, 6), SCHOOLS)
"""Pairs of requester id and school id."""


def make_queue(*requesters: tuple[int, int | None]) -> list[QueuedTask]:
    """Return queued tasks of these requesters and schools, oldest first."""
    return [
        QueuedTask(uuid.UUID(int=age), *pair) for age, pair in enumerate(requesters)
    ]


QUEUES = st.lists(REQUESTERS, max_size=40).map(lambda pairs: make_queue(*pairs))
RUNNING = st.lists(REQUESTERS, max_size=10)


def first_positions(order, key):
    """Return the 0-based position of the first task of each key."""
    positions: dict = {}
    for position, task in enumerate(order):
        positions.setdefault(key(task), position)
    return positions


@given(QUEUES, RUNNING)
def test_fair_order_serves_each_task_once(waiting, running):
    assert sorted(fair_order(waiting, running)) == waiting


@given(QUEUES, RUNNING)
def test_tasks_of_same_requester_and_school_keep_age_order(waiting, running):
    order = fair_order(waiting, running)

    for pair in {(task.requester, task.school) for task in waiting}:
        pair_tasks = [task for task in order if (task.requester, task.school) == pair]
        assert pair_tasks == sorted(pair_tasks)


@given(QUEUES)
def test_school_serves_each_requester_before_second_turns(waiting):
    # Each requester asks about one school, like users other than administrators.
    single_school_queue = [
        task._replace(requester=(task.requester, task.school)) for task in waiting
    ]
    order = fair_order(single_school_queue)

    for school in {task.school for task in waiting}:
        school_tasks = [task for task in order if task.school == school]
        requesters = {task.requester for task in school_tasks}
        assert {
            task.requester for task in school_tasks[: len(requesters)]
        } == requesters


@pytest.mark.guarantee("Neither a requester nor a school starves another.")
@given(QUEUES, st.integers(7, 8))
def test_newcomer_of_new_school_waits_one_task_per_school(waiting, new_id):
    order = fair_order([*waiting, QueuedTask(uuid.UUID(int=99), new_id, new_id)])

    assert first_positions(order, lambda task: task.school)[new_id] <= len(
        {task.school for task in waiting}
    )


@pytest.mark.guarantee("Neither a requester nor a school starves another.")
@given(QUEUES, SCHOOLS)
def test_newcomer_passes_requester_with_many_tasks(waiting, school):
    waiting = [task._replace(requester=1) for task in waiting]

    order = fair_order([*waiting, QueuedTask(uuid.UUID(int=99), 2, school)])

    assert first_positions(order, lambda task: task.requester)[2] <= 2


@given(QUEUES)
def test_position_is_bounded_by_own_and_school_task_counts(waiting):
    of_requester = Counter(task.requester for task in waiting)
    of_school = Counter(task.school for task in waiting)
    group_count = min(len(of_requester), len(of_school))

    for position, task in enumerate(fair_order(waiting)):
        task_count = of_requester[task.requester] + of_school[task.school]
        assert position < group_count * (task_count - 1)


def test_running_tasks_count_as_turns():
    first, second, other = make_queue((1, 1), (1, 1), (2, 2))

    assert fair_order([first, second, other], [(1, 1)]) == [other, first, second]


def test_requester_of_many_schools_gets_one_share():
    waiting = make_queue(*((1, school) for school in range(100)), (2, 7))

    assert [task.requester for task in fair_order(waiting)][:3] == [1, 2, 1]
