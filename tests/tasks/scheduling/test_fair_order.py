import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scheduling.fair_order import QueuedTask, fair_order

SCHOOLS = st.none() | st.integers(1, 4)
REQUESTERS = st.tuples(st.integers(1, 6), SCHOOLS)
"""Requester and school."""


def make_queue(*requesters: tuple[int, int | None]) -> list[QueuedTask]:
    """Tasks of these requesters and schools, the oldest first."""
    return [QueuedTask(uuid.UUID(int=age), *one) for age, one in enumerate(requesters)]


QUEUES = st.lists(REQUESTERS, max_size=40).map(lambda whose: make_queue(*whose))
RUNNING = st.lists(REQUESTERS, max_size=10)


def first_positions(order, key):
    """The place, from 0, of the first of each."""
    positions: dict = {}
    for position, task in enumerate(order):
        positions.setdefault(key(task), position)
    return positions


@given(QUEUES, RUNNING)
def test_everyone_is_served_once(waiting, under_way):
    assert sorted(fair_order(waiting, under_way)) == waiting


@given(QUEUES, RUNNING)
def test_one_requester_s_tasks_about_one_school_are_served_by_age(waiting, under_way):
    order = fair_order(waiting, under_way)

    for whose in {(task.requester, task.school) for task in waiting}:
        own = [task for task in order if (task.requester, task.school) == whose]
        assert own == sorted(own)


@given(QUEUES)
def test_in_a_school_everyone_has_a_first_turn_before_anyone_a_second(waiting):
    # Each requester asks about one school, as those who do not work for the network do.
    at_home = [
        task._replace(requester=(task.requester, task.school)) for task in waiting
    ]
    order = fair_order(at_home)

    for school in {task.school for task in waiting}:
        own = [task for task in order if task.school == school]
        requesters = {task.requester for task in own}
        assert {task.requester for task in own[: len(requesters)]} == requesters


@pytest.mark.guarantee("Neither a requester nor a school starves another.")
@given(QUEUES, st.integers(7, 8))
def test_newcomer_of_another_school_waits_for_one_task_of_each_school(waiting, new):
    order = fair_order([*waiting, QueuedTask(uuid.UUID(int=99), new, new)])

    assert first_positions(order, lambda task: task.school)[new] <= len(
        {task.school for task in waiting}
    )


@pytest.mark.guarantee("Neither a requester nor a school starves another.")
@given(QUEUES, SCHOOLS)
def test_newcomer_goes_before_all_but_few_of_one_requester_s_many(waiting, school):
    waiting = [task._replace(requester=1) for task in waiting]

    order = fair_order([*waiting, QueuedTask(uuid.UUID(int=99), 2, school)])

    assert first_positions(order, lambda task: task.requester)[2] <= 2


@given(QUEUES)
def test_wait_is_bounded_by_what_one_s_own_and_one_s_school_asked(waiting):
    of_requester = Counter(task.requester for task in waiting)
    of_school = Counter(task.school for task in waiting)
    crowd = min(len(of_requester), len(of_school))

    for place, task in enumerate(fair_order(waiting)):
        own = of_requester[task.requester] + of_school[task.school]
        assert place < crowd * (own - 1)


def test_who_has_tasks_under_way_has_had_as_many_turns():
    first, second, other = make_queue((1, 1), (1, 1), (2, 2))

    assert fair_order([first, second, other], [(1, 1)]) == [other, first, second]


def test_requester_of_many_schools_does_not_get_a_turn_for_each():
    waiting = make_queue(*((1, school) for school in range(100)), (2, 7))

    assert [task.requester for task in fair_order(waiting)][:3] == [1, 2, 1]
