"""In which order waiting tasks are served, so that no requester and no school starves another."""

import uuid
from collections import Counter
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple


class QueuedTask(NamedTuple):
    """A task that waits: whose turn it takes, and what it will be like to make."""

    id: uuid.UUID
    requester: int
    school: int | None
    """The one the report is about; those about several share the turns of `None`."""
    workload_key: tuple[str, ...] = ()


def workload_key(kind: str, parameters: Iterable[str]) -> tuple[str, ...]:
    """What tasks that take about as long have in common: the kind, and which parameters
    are given."""
    return (kind, *sorted(parameters))


def fair_order(
    tasks: Iterable[QueuedTask], in_flight: Iterable[tuple[int, int | None]] = ()
) -> list[QueuedTask]:
    """The order of service of tasks given by age, beside those under way.

    A task goes back one place for each task of its requester that goes before it, and one
    for each of its school. So the tasks of a requester, and those of a school, keep far
    apart from each other however many they are, and another's first task goes in between:
    before it come at most as many as there are schools, or requesters, for each place it
    goes back. What is under way (requester, school) has gone before already.
    """
    in_flight = list(in_flight)
    requester_counts = Counter(requester for requester, _school in in_flight)
    school_counts = Counter(school for _requester, school in in_flight)
    by_requester_turn = []
    for task in tasks:
        by_requester_turn.append((requester_counts[task.requester], task))
        requester_counts[task.requester] += 1
    by_turn = []
    # Sorting keeps the age where the turns are equal.
    for requester_turn, task in sorted(by_requester_turn, key=itemgetter(0)):
        by_turn.append((requester_turn + school_counts[task.school], task.id, task))
        school_counts[task.school] += 1
    return [task for _turn, _id, task in sorted(by_turn, key=itemgetter(0, 1))]
