"""How long reports take: what their like took lately."""

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import fmean, median

from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now

from tasks.models import Task
from tasks.scheduling.fair_order import shape
from tasks.states import State

Shape = tuple[str, ...]

HISTORY = 500
OF_A_SHAPE = 20
SOON_PART = 5
KEPT_SECONDS = 30.0


@dataclass(frozen=True)
class Durations:
    """Seconds that those took which ended last."""

    of_shape: dict[Shape, float] = field(default_factory=dict)
    """The mean."""
    soon_of_shape: dict[Shape, float] = field(default_factory=dict)
    """What a fifth of them took at most."""
    of_kind: dict[str, float] = field(default_factory=dict)
    """The median."""
    of_any: float | None = None
    """The mean."""


class Memory:
    """What was read of each queue, kept for a while: who asks often is not worth a query."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Durations]] = {}

    def reset(self) -> None:
        """Forget what was read, as in a new process."""
        self._kept.clear()

    def of(self, queue: str) -> Durations:
        read_at, durations = self._kept.get(queue, (float("-inf"), Durations()))
        now = time.monotonic()
        if now - read_at > KEPT_SECONDS:
            durations = recent(queue, of_state=State.SUCCEEDED)
            self._kept[queue] = now, durations
        return durations


memory = Memory()


def soonest(queue: str, kind: str, parameters: Iterable[str]) -> timedelta | None:
    """When to look first whether a report of that kind with those parameters is made.

    Reports alike in this may differ much in what they took, so that the mean would have
    many a client hear of its report late.
    """
    seconds = memory.of(queue).soon_of_shape.get(shape(kind, parameters))
    return None if seconds is None else timedelta(seconds=seconds)


def typical_seconds(queue: str, kind: str) -> float | None:
    seconds = memory.of(queue).of_kind.get(kind)
    return None if seconds is None else round(seconds, 1)


def recent(queue: str, *, of_state: State | None = None) -> Durations:
    """Of those that ended last, whatever as; or of those alone that are in that state."""
    ended = Task.objects.filter(queue=queue, finished_at__isnull=False)
    if of_state is not None:
        ended = ended.filter(state=of_state)
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
        soon_of_shape={of: sorted(s)[len(s) // SOON_PART] for of, s in shapes.items()},
        of_kind={kind: median(seconds) for kind, seconds in kinds.items()},
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
