"""How fast a queue moves: how many reports are made at once, and how long each takes."""

import time
from collections import deque
from collections.abc import Sequence
from heapq import heapify, heapreplace
from itertools import accumulate
from statistics import fmean

from django.conf import settings
from django.db.models.functions import Now

from tasks.models import Task
from tasks.scheduling import durations
from tasks.scheduling.durations import Durations, WorkloadKey
from tasks.scheduling.fair_order import QueuedTask
from tasks.states import State

PREFETCH_SECONDS = 2.0
"""For how long what is published keeps the workers busy."""
CONCURRENCY_WINDOW_SECONDS = 30.0
REFRESH_SECONDS = 3.0


class Throughput:
    """One queue's, as its rows show it; to be looked at every second."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._running: list[tuple[WorkloadKey, float]] = []
        self._running_counts: deque[tuple[float, int]] = deque()
        self._durations = Durations()
        self._next_refresh = 0.0

    @property
    def concurrency(self) -> int:
        """How many were seen running at once lately: what the workers can do."""
        return max((count for _at, count in self._running_counts), default=0)

    def refresh(self) -> None:
        now = time.monotonic()
        running = Task.objects.filter(queue=self._queue, state=State.RUNNING)
        self._running = durations.measure_durations(running, Now())
        self._running_counts.append((now, len(self._running)))
        while self._running_counts[0][0] < now - CONCURRENCY_WINDOW_SECONDS:
            self._running_counts.popleft()
        if now >= self._next_refresh:
            self._next_refresh = now + REFRESH_SECONDS
            self._durations = durations.load_durations(self._queue)

    def prefetch_target(self, backlog: Sequence[QueuedTask]) -> int:
        """How many messages keep the workers busy for a while, if they come from that line.

        No more are wanted: what is published is served before whoever comes next.
        """
        concurrency = max(1, self.concurrency)
        expected_durations = [
            self._expected_duration(task.workload_key)
            for task in backlog[: settings.MAX_PUBLISHED_PER_QUEUE]
        ]
        known_durations = [
            seconds for seconds in expected_durations if seconds is not None
        ]
        if len(known_durations) < len(expected_durations):
            return settings.MAX_PUBLISHED_PER_QUEUE
        fitting = sum(
            end <= concurrency * PREFETCH_SECONDS for end in accumulate(known_durations)
        )
        return min(settings.MAX_PUBLISHED_PER_QUEUE, concurrency + fitting)

    def start_estimates(self, order: Sequence[QueuedTask]) -> list[float | None]:
        """In how many seconds each of these is started, if they are served in that order.

        Unknown while nothing was ever made, or nothing seen to be made lately.
        """
        starts: list[float | None] = []
        free_at = [self._remaining(key, elapsed) for key, elapsed in self._running]
        free_at += [0.0] * (self.concurrency - len(free_at))
        heapify(free_at)
        for task in order:
            duration = self._expected_duration(task.workload_key)
            if duration is None or not free_at:
                return [None] * len(order)
            starts.append(free_at[0])
            heapreplace(free_at, free_at[0] + duration)
        return starts

    def _remaining(self, key: WorkloadKey, elapsed: float) -> float:
        """One that runs over is expected to do so by as much again."""
        return abs((self._expected_duration(key) or elapsed) - elapsed)

    def _expected_duration(self, key: WorkloadKey) -> float | None:
        """As long as its like took; else as any; else twice what the running have so far."""
        mean = self._durations.mean_by_workload.get(key, self._durations.mean)
        if mean is not None:
            return mean
        if self._running:
            return 2 * fmean(elapsed for _key, elapsed in self._running)
        return None
