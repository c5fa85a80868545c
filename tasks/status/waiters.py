"""Lets requests wait until their task changes: one listener a process wakes them all.

A waiter holds no connection, neither to Redis nor to the database: it sleeps on an event.
The listener follows the stream of changes; after any trouble with Redis it wakes everybody
once, so that what it may have missed is seen.
"""

import math
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from school.db import connections
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.status.reader import Reading

log = structlog.get_logger(__name__)

MOST = 9_000
"""Who comes when so many wait in this process is answered at once."""
PROGRESS_SECONDS = 10.0
"""A wait is ended by progress alone no sooner than this: else a long report would be read
as often as by somebody who polls it without a pause."""
PAUSE_SECONDS = 0.5
"""Before Redis is asked again when it did not answer."""


class Waiter:
    """One request that waits, until that is over by comparison with the first reading."""

    def __init__(
        self,
        is_over: Callable[[Reading, Reading], bool],
        *,
        minds_progress: bool = True,
    ) -> None:
        self.is_over = is_over
        self.woken = threading.Event()
        self.minds_progress = minds_progress
        """Whether it will ever want to hear of progress alone."""
        self.heeds_progress = False
        self.is_dismissed = False

    def dismiss(self) -> None:
        """Its client has gone, or this process is to stop: it is to wait no longer."""
        self.is_dismissed = True
        self.woken.set()


class Listener:
    """Knows who waits for which task; listens as long as anybody does."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[Waiter]] = defaultdict(set)
        self._lock = threading.Lock()
        self._is_listening = False
        self._is_closing = False
        self.count = 0

    @property
    def takes_more(self) -> bool:
        return self.count < MOST and not self._is_closing

    @contextmanager
    def waking(self, task_id: uuid.UUID, waiter: Waiter) -> Iterator[None]:
        """Wake the waiter at each change of the task while the block runs."""
        key = str(task_id)
        with self._lock:
            self.count += 1
            self._waiters[key].add(waiter)
            if self._is_closing:
                waiter.dismiss()  # it was let in just before
            if not self._is_listening:
                self._is_listening = True
                threading.Thread(target=self._run, daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self.count -= 1
                self._waiters[key].discard(waiter)
                if not self._waiters[key]:
                    del self._waiters[key]

    def close(self) -> None:
        """End all waits, and let nobody begin one: this process is told to stop."""
        self._is_closing = True
        for waiter in self._everybody():
            waiter.dismiss()

    def _run(self) -> None:
        while self._goes_on():
            try:
                self._follow()
            except RedisUnavailable:
                time.sleep(PAUSE_SECONDS)
            except Exception:  # the thread's boundary: without it nobody is woken again
                log.exception("listening_failed")
                time.sleep(PAUSE_SECONDS)

    def _goes_on(self) -> bool:
        with self._lock:
            self._is_listening = self.count > 0
            return self._is_listening

    def _follow(self) -> None:
        place = redis_store.newest_change()
        for waiter in self._everybody():
            waiter.woken.set()  # what changed before that place may have been missed
        while self.count:
            changes, place = redis_store.changes_after(place)
            if len(changes) >= redis_store.CHANGES_KEPT:
                return  # some may have been cut off the stream unseen: begin anew
            for change in changes:
                self._wake(change)

    def _wake(self, change: redis_store.Change) -> None:
        for waiter in list(self._waiters.get(change.task_id, ())):
            if change.is_move or waiter.heeds_progress:
                waiter.woken.set()

    def _everybody(self) -> list[Waiter]:
        with self._lock:
            return [waiter for waiters in self._waiters.values() for waiter in waiters]


listener = Listener()


def wait(
    task_id: uuid.UUID,
    read: Callable[[], Reading],
    waiter: Waiter,
    *,
    seconds: float,
) -> Reading:
    """Read the task, and again at each change until the waiter finds that it is over, or
    the time is, or the client has gone.

    `read` raises if the viewer may not see the task, or no longer, and so does this.
    """
    now = time.monotonic()
    deadline = now + seconds
    heeding = now + PROGRESS_SECONDS if waiter.minds_progress else math.inf
    with listener.waking(task_id, waiter):
        first = reading = read()
        while now < deadline and not waiter.is_over(first, reading):
            connections.close()
            until = deadline if waiter.heeds_progress else min(deadline, heeding)
            waiter.woken.wait(max(0.0, until - now))
            waiter.woken.clear()
            now = deadline if waiter.is_dismissed else time.monotonic()
            waiter.heeds_progress = now >= heeding
            reading = read()
    return reading
