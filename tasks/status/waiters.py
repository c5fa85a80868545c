"""Long polling: requests wait for a change of their tasks; one listener per process.

A waiter holds no Redis or database connection; it sleeps on a `threading.Event`. The
listener follows the event stream. After a Redis failure it wakes all waiters once, because
it may have missed events.
"""

import math
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from school.db import connections
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.status.list_pace import PacedReader

log = structlog.get_logger(__name__)

MAX_WAITERS = 9_000
"""Waiters per process; beyond this, requests are answered at once."""
MIN_PROGRESS_SECONDS = 10.0
"""Seconds until progress alone may end a wait; otherwise a long report would be read as
often as by a client that polls without pause."""
WATCHED_PROGRESS_SECONDS = 2.0
"""The same for a request that asks for the progress: somebody looks at it."""
RETRY_DELAY_SECONDS = 0.5
"""Seconds before the listener retries after a failure."""

S = TypeVar("S")


class Waiter(Generic[S]):
    """A waiting request; `is_over` compares the first snapshot with the latest."""

    def __init__(
        self,
        is_over: Callable[[S, S], bool],
        *,
        viewer_id: int,
        wants_progress: bool = True,
        watches_progress: bool = False,
    ) -> None:
        self.is_over = is_over
        self.viewer_id = viewer_id
        self.wake_event = threading.Event()
        self.wants_progress = wants_progress
        """True if progress without a transition may end the wait."""
        self.watches_progress = watches_progress
        """True if it ends the wait after two seconds already."""
        self.progress_due = False
        self.is_canceled = False
        self.begun_at = time.monotonic()
        self.first: S | None = None
        """The first snapshot, which the client is assumed to know."""

    def go_on_from(self, other: "Waiter[S] | None") -> None:
        """Take over the first snapshot and the time of a waiter that could not end its wait."""
        if other is not None:
            self.begun_at, self.first = other.begun_at, other.first

    @property
    def progress_seconds(self) -> float:
        """Return the seconds until progress alone ends the wait."""
        if not self.wants_progress:
            return math.inf
        if self.watches_progress:
            return min(WATCHED_PROGRESS_SECONDS, MIN_PROGRESS_SECONDS)
        return MIN_PROGRESS_SECONDS

    def cancel(self) -> None:
        """End the wait, because the client disconnected or this process is stopping."""
        self.is_canceled = True
        self.wake_event.set()


class Listener:
    """Registry of waiters by task and viewer; follows the event stream while there are any.

    The key of a waiter is the task's id, or `list_key` of its viewer for all of the tasks.
    """

    def __init__(self) -> None:
        self._waiters: dict[str, set[Waiter[Any]]] = defaultdict(set)
        self._waiters_by_viewer: dict[int, set[Waiter[Any]]] = defaultdict(set)
        self._lock = threading.Lock()
        self._is_listening = False
        self._is_closing = False
        self.count = 0

    @property
    def has_capacity(self) -> bool:
        return self.count < MAX_WAITERS and not self._is_closing

    @contextmanager
    def register(self, key: str, waiter: Waiter[Any]) -> Iterator[None]:
        """Wake the waiter at each change of the tasks or of its viewer's rights."""
        with self._lock:
            self.count += 1
            self._waiters[key].add(waiter)
            self._waiters_by_viewer[waiter.viewer_id].add(waiter)
            if self._is_closing:
                waiter.cancel()  # it passed `has_capacity` before `close`
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
                self._waiters_by_viewer[waiter.viewer_id].discard(waiter)
                if not self._waiters_by_viewer[waiter.viewer_id]:
                    del self._waiters_by_viewer[waiter.viewer_id]

    def close(self) -> None:
        """End all waits and refuse new ones, because this process is stopping."""
        self._is_closing = True
        for waiter in self._all_waiters():
            waiter.cancel()

    def _run(self) -> None:
        while self._should_continue():
            try:
                self._follow()
            except RedisUnavailable:
                time.sleep(RETRY_DELAY_SECONDS)
            except Exception:  # thread boundary: if it dies, no waiter is woken again
                log.exception("listener_failed")
                time.sleep(RETRY_DELAY_SECONDS)

    def _should_continue(self) -> bool:
        with self._lock:
            self._is_listening = self.count > 0
            return self._is_listening

    def _follow(self) -> None:
        event_id = redis_store.last_event_id()
        for waiter in self._all_waiters():
            waiter.wake_event.set()  # events before `event_id` may have been missed
        while self.count:
            events, event_id = redis_store.read_events(event_id)
            if len(events) >= redis_store.EVENT_STREAM_MAXLEN:
                return  # unread events may have been trimmed: start again
            for event in events:
                self._wake(event)

    def _wake(self, event: redis_store.TaskEvent) -> None:
        if event.user_id is not None:
            for waiter in list(self._waiters_by_viewer.get(event.user_id, ())):
                waiter.wake_event.set()
            return
        for key in (event.task_id, list_key(event.viewer_id)):
            for waiter in list(self._waiters.get(key, ())):
                if event.is_transition or waiter.progress_due:
                    waiter.wake_event.set()

    def _all_waiters(self) -> list[Waiter[Any]]:
        with self._lock:
            return [waiter for waiters in self._waiters.values() for waiter in waiters]


def list_key(viewer_id: int | None) -> str:
    """Return the key of the waiters that follow all tasks of the viewer."""
    return f"viewer:{viewer_id}"


listener = Listener()


def wait_for_task(
    task_id: uuid.UUID,
    read_snapshot: Callable[[], S],
    waiter: Waiter[S],
    *,
    seconds: float,
) -> S:
    """Read the task at each change until `is_over`, the timeout or a cancel; return it.

    Errors of `read_snapshot`, such as a viewer without access to the task, are raised.
    """
    return _wait(str(task_id), read_snapshot, read_snapshot, waiter, seconds)


def wait_for_list(
    read_first: Callable[[], S],
    read_again: Callable[[], S],
    waiter: Waiter[S],
    *,
    seconds: float,
) -> S:
    """Read a list of the viewer's tasks, as `wait_for_task` does, at each change of any.

    `read_again` also checks the viewer's rights anew.
    """
    reader = PacedReader(
        waiter.viewer_id, seconds=seconds, is_canceled=lambda: waiter.is_canceled
    )
    key = list_key(waiter.viewer_id)
    return _wait(
        key,
        partial(reader.read_first, read_first),
        partial(reader.read_again, read_again),
        waiter,
        seconds,
    )


def _wait(
    key: str,
    read_first: Callable[[], S],
    read_again: Callable[[], S],
    waiter: Waiter[S],
    seconds: float,
) -> S:
    now = time.monotonic()
    deadline = waiter.begun_at + seconds
    progress_due_at = waiter.begun_at + waiter.progress_seconds
    with listener.register(key, waiter):
        snapshot = read_first()
        if waiter.first is None:
            waiter.first = snapshot
        while now < deadline and not waiter.is_over(waiter.first, snapshot):
            connections.close()
            until = deadline if waiter.progress_due else min(deadline, progress_due_at)
            waiter.wake_event.wait(max(0.0, until - now))
            waiter.wake_event.clear()
            now = deadline if waiter.is_canceled else time.monotonic()
            waiter.progress_due = now >= progress_due_at
            snapshot = read_again()
            now = max(now, time.monotonic())  # a list waits for its turn
    return snapshot
