"""Throughput of a queue: worker concurrency and expected durations."""

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
"""Seconds for which the published messages keep the workers busy."""
CONCURRENCY_WINDOW_SECONDS = 30.0
REFRESH_SECONDS = 3.0


class Throughput:
    """Throughput of one queue, measured from its rows; `refresh` it every second."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._running: list[tuple[WorkloadKey, float]] = []
        self._running_counts: deque[tuple[float, int]] = deque()
        self._durations = Durations()
        self._next_refresh = 0.0

    @property
    def concurrency(self) -> int:
        """Maximum number of tasks seen running at once within the window."""
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
        """Return how many messages from `backlog` keep the workers busy for a while.

        More would harm the fair order: published tasks are served before later ones.
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
        """Return the seconds until each task starts, if they are served in this order.

        All are None without known durations or without recently running tasks.
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

    def _remaining(self, key: WorkloadKey, elapsed_seconds: float) -> float:
        """Return the expected seconds left; a task 5 s over is expected to need 5 s more."""
        return abs((self._expected_duration(key) or elapsed_seconds) - elapsed_seconds)

    def _expected_duration(self, key: WorkloadKey) -> float | None:
        """Return the mean of similar tasks, else of all, else twice the running tasks' age."""
        mean = self._durations.mean_by_workload.get(key, self._durations.mean)
        if mean is not None:
            return mean
        if self._running:
            return 2 * fmean(elapsed for _key, elapsed in self._running)
        return None
