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
from tasks.scheduling.durations import Durations, Shape
from tasks.scheduling.fair_order import Waiting
from tasks.states import State

BUSY_SECONDS = 2.0
"""For how long what is published keeps the workers busy."""
SLOTS_SECONDS = 30.0
HISTORY_SECONDS = 3.0


class Pace:
    """One queue's, as its rows show it; to be looked at every second."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._running: list[tuple[Shape, float]] = []
        self._at_once: deque[tuple[float, int]] = deque()
        self._durations = Durations()
        self._due = 0.0

    @property
    def slots(self) -> int:
        """How many were seen running at once lately: what the workers can do."""
        return max((count for _moment, count in self._at_once), default=0)

    def look(self) -> None:
        now = time.monotonic()
        running = Task.objects.filter(queue=self._queue, state=State.RUNNING)
        self._running = durations.timed(running, Now())
        self._at_once.append((now, len(self._running)))
        while self._at_once[0][0] < now - SLOTS_SECONDS:
            self._at_once.popleft()
        if now >= self._due:
            self._due = now + HISTORY_SECONDS
            self._durations = durations.recent(self._queue)

    def ahead(self, line: Sequence[Waiting]) -> int:
        """How many messages keep the workers busy for a while, if they come from that line.

        No more are wanted: what is published is served before whoever comes next.
        """
        slots = max(1, self.slots)
        expected = [
            self._expected(task.shape)
            for task in line[: settings.MAX_PUBLISHED_PER_QUEUE]
        ]
        known = [seconds for seconds in expected if seconds is not None]
        if len(known) < len(expected):
            return settings.MAX_PUBLISHED_PER_QUEUE
        fitting = sum(end <= slots * BUSY_SECONDS for end in accumulate(known))
        return min(settings.MAX_PUBLISHED_PER_QUEUE, slots + fitting)

    def waits(self, order: Sequence[Waiting]) -> list[float | None]:
        """In how many seconds each of these is started, if they are served in that order.

        Unknown while nothing was ever made, or nothing seen to be made lately.
        """
        starts: list[float | None] = []
        free = [self._left(of, elapsed) for of, elapsed in self._running]
        free += [0.0] * (self.slots - len(free))
        heapify(free)
        for task in order:
            expected = self._expected(task.shape)
            if expected is None or not free:
                return [None] * len(order)
            starts.append(free[0])
            heapreplace(free, free[0] + expected)
        return starts

    def _left(self, of: Shape, elapsed: float) -> float:
        """One that runs over is expected to do so by as much again."""
        return abs((self._expected(of) or elapsed) - elapsed)

    def _expected(self, of: Shape) -> float | None:
        """As long as its like took; else as any; else twice what the running have so far."""
        known = self._durations.of_shape.get(of, self._durations.of_any)
        if known is not None:
            return known
        if self._running:
            return 2 * fmean(elapsed for _shape, elapsed in self._running)
        return None
