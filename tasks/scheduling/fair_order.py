"""Fair order of queued tasks: no requester and no school can starve another."""

import uuid
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class QueuedTask(NamedTuple):
    """A queued task with the values that determine its order and its duration."""

    id: uuid.UUID
    requester: int
    school: int | None
    """School of the report; reports on several schools are counted together as None."""
    workload_key: tuple[str, ...] = ()


def workload_key(kind: str, parameters: Iterable[str]) -> tuple[str, ...]:
    """Return a key shared by tasks of similar duration: kind and names of parameters."""
    return (kind, *sorted(parameters))


def fair_order(
    tasks: Iterable[QueuedTask], in_flight: Iterable[tuple[int, int | None]] = ()
) -> list[QueuedTask]:
    """Sort tasks, given oldest first, into the order in which they are served.

    A task moves back one turn for each earlier task of its requester and one for each
    earlier task of its school. The tasks of one requester or school are thereby spread out
    however many there are, and the first task of another goes in between: for each turn
    that it moves back, at most one task per school or requester is served before it.
    `in_flight` (requester, school) are published or running tasks; they count as earlier.
    """
    in_flight = list(in_flight)
    requester_counts = Counter(requester for requester, _school in in_flight)
    school_counts = Counter(school for _requester, school in in_flight)
    by_requester_turn = []
    for age_rank, task in enumerate(tasks):
        # Ids would be compared in Python, which is slow.
        by_requester_turn.append((requester_counts[task.requester], age_rank, task))
        requester_counts[task.requester] += 1
    by_turn = []
    for requester_turn, age_rank, task in sorted(by_requester_turn):
        by_turn.append((requester_turn + school_counts[task.school], age_rank, task))
        school_counts[task.school] += 1
    return [task for _turn, _age_rank, task in sorted(by_turn)]
