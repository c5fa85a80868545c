"""Estimates of when a task ends, from its snapshot."""

import time
from typing import Any

from tasks.scheduling import positions
from tasks.states import State
from tasks.status.reader import TaskSnapshot


def queue_position(snapshot: TaskSnapshot) -> dict[str, Any] | None:
    """Return the position of a queued task and its estimated wait; None if not known."""
    if snapshot.state != State.QUEUED:
        return None
    samples = snapshot.queue_positions.get(snapshot.queue, [])
    return positions.estimate_position(snapshot.task_id, samples)


def remaining_ms(
    snapshot: TaskSnapshot, position: dict[str, Any] | None
) -> float | None:
    """Return the milliseconds until the end; negative if overdue, None if not known."""
    if snapshot.state != State.QUEUED:
        if snapshot.eta_ms is None:
            return None
        return snapshot.eta_ms - time.time() * 1000
    if snapshot.expected_duration_ms is None:
        return None
    # Until the dispatcher has published positions, assume that it is next.
    wait_seconds = position["estimated_wait_seconds"] if position else 0
    if wait_seconds is None:
        return None
    duration_ms: float = wait_seconds * 1000 + snapshot.expected_duration_ms
    return duration_ms
