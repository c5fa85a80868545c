"""How long reports take: what their like took lately."""

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import fmean

from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now

from tasks.models import Task
from tasks.queues.turns import shape

Shape = tuple[str, ...]

HISTORY = 500
OF_A_SHAPE = 20
KEPT_SECONDS = 30.0


@dataclass(frozen=True)
class Durations:
    """Mean seconds of those that ended last."""

    of_shape: dict[Shape, float] = field(default_factory=dict)
    of_kind: dict[str, float] = field(default_factory=dict)
    of_any: float | None = None


class Memory:
    """What was read of each queue, kept for a while: who asks often is not worth a query."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Durations]] = {}

    def of(self, queue: str) -> Durations:
        read_at, durations = self._kept.get(queue, (float("-inf"), Durations()))
        now = time.monotonic()
        if now - read_at > KEPT_SECONDS:
            durations = recent(queue)
            self._kept[queue] = now, durations
        return durations


memory = Memory()


def expected(queue: str, kind: str, parameters: Iterable[str]) -> timedelta | None:
    """How long a report of that kind with those parameters given is likely to take."""
    seconds = memory.of(queue).of_shape.get(shape(kind, parameters))
    return None if seconds is None else timedelta(seconds=seconds)


def typical_seconds(queue: str, kind: str) -> float | None:
    seconds = memory.of(queue).of_kind.get(kind)
    return None if seconds is None else round(seconds, 1)


def recent(queue: str) -> Durations:
    ended = Task.objects.filter(queue=queue, finished_at__isnull=False)
    started = ended.filter(started_at__isnull=False).order_by("-started_at")
    rows = timed(started[:HISTORY], F("finished_at"))
    shapes: dict[Shape, list[float]] = defaultdict(list)
    kinds: dict[str, list[float]] = defaultdict(list)
    for of, seconds in rows:
        if len(shapes[of]) < OF_A_SHAPE:
            shapes[of].append(seconds)
        kinds[of[0]].append(seconds)
    return Durations(
        of_shape={of: fmean(seconds) for of, seconds in shapes.items()},
        of_kind={kind: fmean(seconds) for kind, seconds in kinds.items()},
        of_any=fmean(seconds for _of, seconds in rows) if rows else None,
    )


def timed(tasks: QuerySet[Task], until: F | Now) -> list[tuple[Shape, float]]:
    """Each task's shape and the seconds since its start, by the database's clock."""
    took = ExpressionWrapper(until - F("started_at"), DurationField())
    rows = tasks.values_list("kind", "parameters", took)
    return [
        (shape(kind, names), max(0.0, took.total_seconds()))
        for kind, names, took in rows
    ]
