"""How long a queue is and how fast it moves, in a form from which any task's place reads."""

import uuid
from bisect import bisect_right
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from tasks.models import Task
from tasks.states import State

EXACT_RANKS = 20
DEEPEST = 10_000
PACE_WINDOW = timedelta(minutes=1)


def measure(queue: str) -> dict[str, Any]:
    """Sample the queue: at some ranks the asking time, and the seconds between two starts.

    {"marks": [[rank, milliseconds], ...], "pace": seconds or None}: a few hundred bytes
    that say a place exactly at the front and within a tenth further back.
    """
    queued = Task.objects.filter(queue=queue, state=State.QUEUED).order_by("id")
    ids = list(queued.values_list("pk", flat=True)[:DEEPEST])
    marks = [[rank, asked_at(ids[rank - 1])] for rank in _ranks(len(ids))]
    started = Task.objects.filter(
        queue=queue, started_at__gt=Now() - PACE_WINDOW
    ).count()
    pace = PACE_WINDOW.total_seconds() / started if started else None
    return {"marks": marks, "pace": pace}


def place(task_id: uuid.UUID, backlog: dict[str, Any]) -> dict[str, Any] | None:
    """The task's position in its queue, 1 the next, and about how long it will wait."""
    if not backlog.get("marks"):
        return None
    marks = backlog["marks"]
    index = bisect_right([asked for _rank, asked in marks], asked_at(task_id))
    position = marks[max(0, index - 1)][0]
    pace = backlog["pace"]
    return {
        "position": position,
        "wait_seconds": None if pace is None else round(position * pace),
    }


def asked_at(task_id: uuid.UUID) -> int:
    """Milliseconds since 1970, which a UUIDv7 begins with."""
    return task_id.int >> 80


def _ranks(length: int) -> list[int]:
    ranks = list(range(1, min(length, EXACT_RANKS) + 1))
    while ranks and ranks[-1] < length:
        ranks.append(min(length, ranks[-1] * 11 // 10))
    return ranks
