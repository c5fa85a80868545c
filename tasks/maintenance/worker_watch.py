"""Watch over the workers: finds those that live and take nothing.

A worker is stuck once messages have waited for it for `STUCK_SECONDS` while it has neither
started a task nor beaten for one under way. Messages wait for it in its queues, or in the
worker itself, where a rate limit may hold them back. Any pause of Redis, the database or this
process starts the count anew, because then a healthy worker may show no activity either.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.db import Error, connection

from school.db import connections
from school.runtime import worker_status
from school.runtime.worker_status import STUCK_SECONDS, Status, WorkerStatus
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.redis_store import RegisteredWorker, Registration

log = structlog.get_logger(__name__)

MAX_PAUSE_SECONDS = 10.0
"""Longest pause between two looks; past it the dispatcher counts as away."""
FORGET_SECONDS = 600
"""Seconds without a registration after which a worker counts as gone."""


@dataclass
class WatchedWorker:
    registration: Registration
    activity: bytes | None
    registered_at: float
    """Time of the last new registration."""
    waiting_since: float | None = None
    """Time since which messages have waited for it without any activity."""
    is_reported: bool = False

    def idle_seconds(self, now: float) -> float:
        return 0.0 if self.waiting_since is None else now - self.waiting_since


class WorkerWatch:
    """The workers, as seen at each tick of the dispatcher."""

    def __init__(self, path: Path, queues: tuple[str, ...]) -> None:
        self._path = path
        self._queues = queues
        self._workers: dict[str, WatchedWorker] = {}
        self._watching_since = self._looked_at = time.monotonic()
        self._is_unwritable = False

    def look(self) -> None:
        """Look at every worker, and write the status for those who replace the stuck ones."""
        now = time.monotonic()
        if now - self._looked_at > MAX_PAUSE_SECONDS:
            self._start_anew(now)
        self._looked_at = now
        try:
            self._observe(now)
        except (RedisUnavailable, Error):  # the other jobs report it
            connections.close()
            self._start_anew(now)
        self._write(now)

    def _observe(self, now: float) -> None:
        _require_database()
        lengths = redis_store.queue_lengths(self._queues)
        for worker in redis_store.get_workers():
            self._update(worker, now)
        for name, watched in list(self._workers.items()):
            if now - watched.registered_at > FORGET_SECONDS:
                del self._workers[name]
                redis_store.forget_worker(name)
            else:
                self._judge(watched, lengths, now)

    def _start_anew(self, now: float) -> None:
        self._watching_since = now
        for watched in self._workers.values():
            watched.waiting_since = None

    def _update(self, worker: RegisteredWorker, now: float) -> None:
        """Take over a registration and an activity, if they are new."""
        registration = worker.registration
        if registration.has_stopped:
            self._workers.pop(registration.name, None)
            # Later, so that every other dispatcher has read it too.
            if time.time() - registration.registered_at / 1e9 > FORGET_SECONDS:
                redis_store.forget_worker(registration.name)
            return
        watched = self._workers.get(registration.name)
        if watched is None or _process(watched.registration) != _process(registration):
            watched = WatchedWorker(registration, worker.activity, now)
            self._workers[registration.name] = watched
        elif watched.registration != registration:
            watched.registration, watched.registered_at = registration, now
        if worker.activity is not None and worker.activity != watched.activity:
            watched.activity, watched.waiting_since = worker.activity, None

    def _judge(
        self, watched: WatchedWorker, lengths: Mapping[str, int], now: float
    ) -> None:
        registration = watched.registration
        has_messages = registration.held_count > 0 or any(
            lengths.get(queue) for queue in registration.queues
        )
        if not has_messages:
            watched.waiting_since = None
        elif watched.waiting_since is None:
            watched.waiting_since = now
        is_stuck = watched.idle_seconds(now) >= STUCK_SECONDS
        if is_stuck and not watched.is_reported:
            log.error(
                "worker_stuck",
                worker=registration.name,
                pid=registration.pid,
                waiting={queue: lengths.get(queue) for queue in registration.queues},
                held=registration.held_count,
                seconds_since_registration=round(now - watched.registered_at),
                detail="It takes no message although some wait. It is to be replaced.",
            )
        elif watched.is_reported and not is_stuck:
            log.info("worker_not_stuck", worker=registration.name)
        watched.is_reported = is_stuck

    def _write(self, now: float) -> None:
        workers = [
            WorkerStatus(
                name,
                watched.registration.host,
                watched.registration.pid,
                watched.registration.start_ticks,
                round(watched.idle_seconds(now), 1),
            )
            for name, watched in self._workers.items()
        ]
        status = Status(workers, round(now - self._watching_since, 1))
        try:
            worker_status.write_status(self._path, status)
        except OSError as error:
            if not self._is_unwritable:  # once, not each second
                log.error(
                    "worker_status_unwritable",
                    path=str(self._path),
                    reason=str(error),
                    detail="Stuck workers are not replaced until it can be written.",
                )
            self._is_unwritable = True
        else:
            self._is_unwritable = False


def _process(registration: Registration) -> tuple[str, int, int]:
    return registration.host, registration.pid, registration.start_ticks


def _require_database() -> None:
    """Raise an error of Django's unless the database answers.

    While it is away, tasks wait in it, and their heartbeats too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
