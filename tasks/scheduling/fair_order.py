"""In which order waiting tasks are served, so that no requester and no school starves another."""

import uuid
from collections import Counter
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple


class Waiting(NamedTuple):
    """A task that waits: whose turn it takes, and what it will be like to make."""

    id: uuid.UUID
    requester: int
    school: int | None
    """The one the report is about; those about several share the turns of `None`."""
    shape: tuple[str, ...] = ()


def shape(kind: str, parameters: Iterable[str]) -> tuple[str, ...]:
    """What tasks that take about as long have in common: the kind, and which parameters
    are given."""
    return (kind, *sorted(parameters))


def in_turn(
    waiting: Iterable[Waiting], under_way: Iterable[tuple[int, int | None]] = ()
) -> list[Waiting]:
    """The order of service of tasks given by age, beside those under way.

    A task goes back one place for each task of its requester that goes before it, and one
    for each of its school. So the tasks of a requester, and those of a school, keep far
    apart from each other however many they are, and another's first task goes in between:
    before it come at most as many as there are schools, or requesters, for each place it
    goes back. What is under way (requester, school) has gone before already.
    """
    under_way = list(under_way)
    of_requester = Counter(requester for requester, _school in under_way)
    of_school = Counter(school for _requester, school in under_way)
    by_own_turn = []
    for task in waiting:
        by_own_turn.append((of_requester[task.requester], task))
        of_requester[task.requester] += 1
    by_turn = []
    # Sorting keeps the age where the turns are equal.
    for own_turn, task in sorted(by_own_turn, key=itemgetter(0)):
        by_turn.append((own_turn + of_school[task.school], task.id, task))
        of_school[task.school] += 1
    return [task for _turn, _id, task in sorted(by_turn, key=itemgetter(0, 1))]
