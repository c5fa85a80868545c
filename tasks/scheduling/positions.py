"""Where each waiting task stands in its queue, told to its viewer in few numbers."""

import uuid
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tasks.scheduling.fair_order import QueuedTask

PositionSample = tuple[int, int, int | None]
"""The moment of asking, the position, and the seconds left to wait."""

PRECISION = 20
"""A position is told exactly up to this one, and to one part in so many beyond it."""


def sample_positions(
    order: Sequence[QueuedTask], waits: Sequence[float | None]
) -> dict[int, list[PositionSample]]:
    """For each viewer marks by which the place of any of their tasks can be told."""
    by_viewer: dict[int, list[PositionSample]] = defaultdict(list)
    for position, (task, wait) in enumerate(zip(order, waits, strict=True), 1):
        seconds = None if wait is None else round(wait)
        by_viewer[task.requester].append((_sort_key(task.id), position, seconds))
    return {viewer: _compress(sorted(samples)) for viewer, samples in by_viewer.items()}


def estimate_position(
    task_id: uuid.UUID, samples: Sequence[PositionSample]
) -> dict[str, Any] | None:
    """The task's position in its queue, 1 the next, and about how long it will wait.

    Unknown if it was asked for after the marks were made.
    """
    sort_key = _sort_key(task_id)
    index = bisect_right(samples, sort_key, key=lambda sample: sample[0])
    if index == 0 or sort_key > samples[-1][0]:
        return None
    _key, position, seconds = samples[index - 1]
    return {"position": position, "estimated_wait_seconds": seconds}


def created_at_ms(task_id: uuid.UUID) -> int:
    """Milliseconds since 1970, which a UUIDv7 begins with."""
    return task_id.int >> 80


def _sort_key(task_id: uuid.UUID) -> int:
    """Finer than the millisecond, so that no two of a viewer's tasks have the same."""
    return task_id.int >> 64


def _compress(samples: Sequence[PositionSample]) -> list[PositionSample]:
    """Without those whose place the mark before tells well enough; with the newest."""
    result = list(samples[:1])
    for sample in samples[1:]:
        if sample is samples[-1] or not _predicts(result[-1], sample):
            result.append(sample)
    return result


def _predicts(sample: PositionSample, other: PositionSample) -> bool:
    _key, position, seconds = other
    if abs(position - sample[1]) * PRECISION > position:
        return False
    return abs((seconds or 0) - (sample[2] or 0)) * PRECISION <= max(
        PRECISION, seconds or 0
    )
