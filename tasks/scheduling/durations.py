"""Durations of recent reports, by workload and by kind."""

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import fmean, median

from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now

from tasks.models import Task
from tasks.scheduling.fair_order import workload_key
from tasks.states import State

WorkloadKey = tuple[str, ...]

MAX_HISTORY = 500
MAX_PER_WORKLOAD = 20
OPTIMISTIC_DIVISOR = 5
CACHE_TTL = 30.0


@dataclass(frozen=True)
class Durations:
    """Durations of the reports that finished last, in seconds."""

    mean_by_workload: dict[WorkloadKey, float] = field(default_factory=dict)
    optimistic_by_workload: dict[WorkloadKey, float] = field(default_factory=dict)
    """20th percentile."""
    median_by_kind: dict[str, float] = field(default_factory=dict)
    mean: float | None = None
    """Mean of all reports; None if none has finished."""


class DurationCache:
    """Cache of `Durations` by queue and process, so that frequent calls need no query."""

    def __init__(self) -> None:
        self._by_queue: dict[str, tuple[float, Durations]] = {}

    def reset(self) -> None:
        """Empty the cache, as in a new process."""
        self._by_queue.clear()

    def get(self, queue: str) -> Durations:
        loaded_at, durations = self._by_queue.get(queue, (float("-inf"), Durations()))
        now = time.monotonic()
        if now - loaded_at > CACHE_TTL:
            durations = load_durations(queue, state=State.SUCCEEDED)
            self._by_queue[queue] = now, durations
        return durations


duration_cache = DurationCache()


def optimistic_duration(
    queue: str, kind: str, parameters: Iterable[str]
) -> timedelta | None:
    """Return the 20th percentile of similar reports: the time until a first poll.

    Similar reports may differ much in duration, so with the mean many clients would learn
    late that their report is ready.
    """
    seconds = duration_cache.get(queue).optimistic_by_workload.get(
        workload_key(kind, parameters)
    )
    return None if seconds is None else timedelta(seconds=seconds)


def median_seconds(queue: str, kind: str) -> float | None:
    seconds = duration_cache.get(queue).median_by_kind.get(kind)
    return None if seconds is None else round(seconds, 1)


def load_durations(queue: str, *, state: State | None = None) -> Durations:
    """Load the durations of the last finished tasks, optionally of one final state."""
    finished_tasks = Task.objects.filter(queue=queue, finished_at__isnull=False)
    if state is not None:
        finished_tasks = finished_tasks.filter(state=state)
    started_tasks = finished_tasks.filter(started_at__isnull=False).order_by(
        "-started_at"
    )
    rows = measure_durations(started_tasks[:MAX_HISTORY], F("finished_at"))
    by_workload: dict[WorkloadKey, list[float]] = defaultdict(list)
    by_kind: dict[str, list[float]] = defaultdict(list)
    for key, seconds in rows:
        if len(by_workload[key]) < MAX_PER_WORKLOAD:
            by_workload[key].append(seconds)
        by_kind[key[0]].append(seconds)
    return Durations(
        mean_by_workload={key: fmean(seconds) for key, seconds in by_workload.items()},
        optimistic_by_workload={
            key: sorted(s)[len(s) // OPTIMISTIC_DIVISOR]
            for key, s in by_workload.items()
        },
        median_by_kind={kind: median(seconds) for kind, seconds in by_kind.items()},
        mean=fmean(seconds for _key, seconds in rows) if rows else None,
    )


def measure_durations(
    tasks: QuerySet[Task], until: F | Now
) -> list[tuple[WorkloadKey, float]]:
    """Return each task's workload key and seconds since its start, by the database clock."""
    duration = ExpressionWrapper(until - F("started_at"), DurationField())
    rows = tasks.values_list("kind", "parameters", duration)
    return [
        (workload_key(kind, parameters), max(0.0, elapsed.total_seconds()))
        for kind, parameters, elapsed in rows
    ]
