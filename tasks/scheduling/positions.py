"""Where each waiting task stands in its queue, told to its viewer in few numbers."""

import uuid
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tasks.scheduling.fair_order import Waiting

Mark = tuple[int, int, int | None]
"""The moment of asking, the position, and the seconds left to wait."""

NEAR = 20
"""A position is told exactly up to this one, and to one part in so many beyond it."""


def places(
    order: Sequence[Waiting], waits: Sequence[float | None]
) -> dict[int, list[Mark]]:
    """For each viewer marks by which the place of any of their tasks can be told."""
    own: dict[int, list[Mark]] = defaultdict(list)
    for position, (task, wait) in enumerate(zip(order, waits, strict=True), 1):
        seconds = None if wait is None else round(wait)
        own[task.requester].append((_moment(task.id), position, seconds))
    return {viewer: _thinned(sorted(marks)) for viewer, marks in own.items()}


def place(task_id: uuid.UUID, marks: Sequence[Mark]) -> dict[str, Any] | None:
    """The task's position in its queue, 1 the next, and about how long it will wait.

    Unknown if it was asked for after the marks were made.
    """
    moment = _moment(task_id)
    index = bisect_right(marks, moment, key=lambda mark: mark[0])
    if index == 0 or moment > marks[-1][0]:
        return None
    _moment_, position, seconds = marks[index - 1]
    return {"position": position, "wait_seconds": seconds}


def asked_at(task_id: uuid.UUID) -> int:
    """Milliseconds since 1970, which a UUIDv7 begins with."""
    return task_id.int >> 80


def _moment(task_id: uuid.UUID) -> int:
    """Finer than the millisecond, so that no two of a viewer's tasks have the same."""
    return task_id.int >> 64


def _thinned(marks: Sequence[Mark]) -> list[Mark]:
    """Without those whose place the mark before tells well enough; with the newest."""
    kept = list(marks[:1])
    for mark in marks[1:]:
        if mark is marks[-1] or not _tells(kept[-1], mark):
            kept.append(mark)
    return kept


def _tells(mark: Mark, other: Mark) -> bool:
    _moment, position, seconds = other
    if abs(position - mark[1]) * NEAR > position:
        return False
    return abs((seconds or 0) - (mark[2] or 0)) * NEAR <= max(NEAR, seconds or 0)
