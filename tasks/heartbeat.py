"""Keeps a worker's lease alive while it makes a report, and hears when to stop."""

import threading
import time
from types import TracebackType

import structlog
from django.conf import settings
from django.db import connections

from tasks import lifecycle, mirror, store
from tasks.breaker import RedisAway
from tasks.errors import Canceled, LeaseLost, TimedOut
from tasks.models import Task
from tasks.progress import Progress, Tracker

log = structlog.get_logger(__name__)


class Heartbeat:
    """Renews the lease from a thread, for the report may compute without a pause.

    Past the time limit it renews no more: a report that hangs loses its lease and ends as
    `timeout` instead of living for ever.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._began = time.monotonic()
        self._deadline = self._began + task.time_limit.total_seconds()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.tracker = Tracker(self._tell)

    def __enter__(self) -> Tracker:
        self._thread.start()
        return self.tracker

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.wait(self._pause()) and self.tracker.halt is None:
                try:
                    self.tracker.halt = self._beat()
                except Exception:  # the thread's boundary: without it the lease ends
                    log.exception("heartbeat_missed", task_id=str(self._task.pk))
                    connections.close_all()  # a broken one is not reopened by itself
        finally:
            connections.close_all()  # this thread's own

    def _beat(self) -> Exception | None:
        """Renew the lease; why the attempt must end, if it must."""
        if time.monotonic() >= self._deadline:
            return TimedOut()
        canceled = lifecycle.renew(self._task, self.tracker.progress)
        if canceled is None:
            return LeaseLost()
        if canceled:
            return Canceled()
        self._tell(self.tracker.progress)
        return None

    def _pause(self) -> float:
        left = self._deadline - time.monotonic()
        return max(0.0, min(settings.HEARTBEAT_SECONDS, left))

    def _tell(self, progress: Progress) -> None:
        moment = round((time.monotonic() - self._began) * 1000)
        try:
            mirror.put(self._task, progress, moment=moment)
            store.mark_alive(self._task.queue, seconds=3 * settings.HEARTBEAT_SECONDS)
        except RedisAway:
            pass  # the row has it, and the next beat tells it again
