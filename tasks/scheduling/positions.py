"""Queue positions of a viewer's tasks, compressed to a few samples."""

import uuid
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tasks.scheduling.fair_order import QueuedTask

PositionSample = tuple[int, int, int | None]
"""Sort key of the task id, queue position, and estimated seconds until the start."""

PRECISION = 20
"""Positions up to this one are exact; beyond it they are accurate to 1/PRECISION."""


def sample_positions(
    order: Sequence[QueuedTask], waits: Sequence[float | None]
) -> dict[int, list[PositionSample]]:
    """Return samples by viewer, from which the position of each task can be estimated."""
    by_viewer: dict[int, list[PositionSample]] = defaultdict(list)
    for position, (task, wait) in enumerate(zip(order, waits, strict=True), 1):
        seconds = None if wait is None else round(wait)
        by_viewer[task.requester].append((_sort_key(task.id), position, seconds))
    return {viewer: _compress(sorted(samples)) for viewer, samples in by_viewer.items()}


def estimate_position(
    task_id: uuid.UUID, samples: Sequence[PositionSample]
) -> dict[str, Any] | None:
    """Return the task's queue position (1 is next) and its estimated wait in seconds.

    None if the task was created after the samples were taken.
    """
    sort_key = _sort_key(task_id)
    index = bisect_right(samples, sort_key, key=lambda sample: sample[0])
    if index == 0 or sort_key > samples[-1][0]:
        return None
    _key, position, seconds = samples[index - 1]
    return {"position": position, "estimated_wait_seconds": seconds}


def created_at_ms(task_id: uuid.UUID) -> int:
    """Return the creation time from a UUIDv7, in milliseconds since 1970 (RFC 9562)."""
    return task_id.int >> 80


def _sort_key(task_id: uuid.UUID) -> int:
    """Return the upper 64 bits: finer than milliseconds, so unique for one viewer's tasks."""
    return task_id.int >> 64


def _compress(samples: Sequence[PositionSample]) -> list[PositionSample]:
    """Drop samples that the previous one predicts well enough; keep the last one."""
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
