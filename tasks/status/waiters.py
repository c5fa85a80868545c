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
from tasks.status.reader import TaskSnapshot

log = structlog.get_logger(__name__)

MAX_WAITERS = 9_000
"""Who comes when so many wait in this process is answered at once."""
MIN_PROGRESS_SECONDS = 10.0
"""A wait is ended by progress alone no sooner than this: else a long report would be read
as often as by somebody who polls it without a pause."""
RETRY_DELAY_SECONDS = 0.5
"""Before Redis is asked again when it did not answer."""


class Waiter:
    """One request that waits, until that is over by comparison with the first reading."""

    def __init__(
        self,
        is_over: Callable[[TaskSnapshot, TaskSnapshot], bool],
        *,
        wants_progress: bool = True,
    ) -> None:
        self.is_over = is_over
        self.wake_event = threading.Event()
        self.wants_progress = wants_progress
        """Whether it will ever want to hear of progress alone."""
        self.progress_due = False
        self.is_canceled = False

    def cancel(self) -> None:
        """Its client has gone, or this process is to stop: it is to wait no longer."""
        self.is_canceled = True
        self.wake_event.set()


class Listener:
    """Knows who waits for which task; listens as long as anybody does."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[Waiter]] = defaultdict(set)
        self._lock = threading.Lock()
        self._is_listening = False
        self._is_closing = False
        self.count = 0

    @property
    def has_capacity(self) -> bool:
        return self.count < MAX_WAITERS and not self._is_closing

    @contextmanager
    def register(self, task_id: uuid.UUID, waiter: Waiter) -> Iterator[None]:
        """Wake the waiter at each change of the task while the block runs."""
        key = str(task_id)
        with self._lock:
            self.count += 1
            self._waiters[key].add(waiter)
            if self._is_closing:
                waiter.cancel()  # it was let in just before
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
        for waiter in self._all_waiters():
            waiter.cancel()

    def _run(self) -> None:
        while self._should_continue():
            try:
                self._follow()
            except RedisUnavailable:
                time.sleep(RETRY_DELAY_SECONDS)
            except Exception:  # the thread's boundary: without it nobody is woken again
                log.exception("listener_failed")
                time.sleep(RETRY_DELAY_SECONDS)

    def _should_continue(self) -> bool:
        with self._lock:
            self._is_listening = self.count > 0
            return self._is_listening

    def _follow(self) -> None:
        event_id = redis_store.last_event_id()
        for waiter in self._all_waiters():
            waiter.wake_event.set()  # what changed before that place may have been missed
        while self.count:
            events, event_id = redis_store.read_events(event_id)
            if len(events) >= redis_store.EVENT_STREAM_MAXLEN:
                return  # some may have been cut off the stream unseen: begin anew
            for event in events:
                self._wake(event)

    def _wake(self, event: redis_store.TaskEvent) -> None:
        for waiter in list(self._waiters.get(event.task_id, ())):
            if event.is_transition or waiter.progress_due:
                waiter.wake_event.set()

    def _all_waiters(self) -> list[Waiter]:
        with self._lock:
            return [waiter for waiters in self._waiters.values() for waiter in waiters]


listener = Listener()


def wait_for_task(
    task_id: uuid.UUID,
    read_snapshot: Callable[[], TaskSnapshot],
    waiter: Waiter,
    *,
    seconds: float,
) -> TaskSnapshot:
    """Read the task, and again at each change until the waiter finds that it is over, or
    the time is, or the client has gone.

    `read` raises if the viewer may not see the task, or no longer, and so does this.
    """
    now = time.monotonic()
    deadline = now + seconds
    progress_due_at = now + MIN_PROGRESS_SECONDS if waiter.wants_progress else math.inf
    with listener.register(task_id, waiter):
        first = snapshot = read_snapshot()
        while now < deadline and not waiter.is_over(first, snapshot):
            connections.close()
            until = deadline if waiter.progress_due else min(deadline, progress_due_at)
            waiter.wake_event.wait(max(0.0, until - now))
            waiter.wake_event.clear()
            now = deadline if waiter.is_canceled else time.monotonic()
            waiter.progress_due = now >= progress_due_at
            snapshot = read_snapshot()
    return snapshot
