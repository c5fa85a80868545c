"""Keeps a worker's lease alive while it makes a report, and hears when to stop."""

import threading
import time
from contextlib import suppress
from types import TracebackType

import structlog
from django.conf import settings
from django.db import connections

from tasks import lifecycle, redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.errors import Canceled, LeaseLost, TimedOut
from tasks.models import Task
from tasks.progress import Progress, Tracker
from tasks.status import projection
from tasks.worker import shutdown

log = structlog.get_logger(__name__)

CHECK_INTERVAL = 0.5
"""How long it may take to hear that the worker was told to stop."""


class Heartbeat:
    """Renews the lease from a thread, for the report may compute without a pause.

    Past the time limit it ends the task as `timeout`, for the report may hang. When the worker has been told to stop and the
    report does not end in time, it is handed over.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._started_at = time.monotonic()
        self._deadline = self._started_at + task.time_limit.total_seconds()
        self._next_beat_at = self._started_at + settings.HEARTBEAT_SECONDS
        self._stop_event = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.tracker = Tracker(self._publish_progress)

    def __enter__(self) -> Tracker:
        self._thread.start()
        return self.tracker

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_event.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while (
                not self._stop_event.wait(self._check_delay())
                and self.tracker.stop_reason is None
            ):
                try:
                    self.tracker.stop_reason = self._check()
                except Exception:  # the thread's boundary: without it the lease ends
                    log.exception("heartbeat_missed", task_id=str(self._task.pk))
                    connections.close_all()  # a broken one is not reopened by itself
        finally:
            connections.close_all()  # this thread's own

    def _check(self) -> Exception | None:
        """Why the attempt must end, if it must; renews the lease when that is due."""
        if time.monotonic() >= self._deadline:
            # Here, for the report itself may hang.
            lifecycle.fail(self._task, TimedOut())
            return LeaseLost()
        if shutdown.seconds_left() <= 0:
            lifecycle.release(self._task)
            return LeaseLost()
        if time.monotonic() < self._next_beat_at:
            return None
        self._next_beat_at = time.monotonic() + settings.HEARTBEAT_SECONDS
        return self._beat()

    def _beat(self) -> Exception | None:
        is_canceled = lifecycle.renew(self._task, self.tracker.progress)
        if is_canceled is None:
            return LeaseLost()
        if is_canceled:
            return Canceled()
        if not self._publish_progress(self.tracker.estimate):
            projection.resync_document(self._task.pk)
        return None

    def _check_delay(self) -> float:
        seconds_left = self._deadline - time.monotonic()
        return min(CHECK_INTERVAL, seconds_left) if seconds_left > 0 else CHECK_INTERVAL

    def _publish_progress(self, progress: Progress) -> bool:
        """Write the progress into the document; whether there is one to write it into."""
        sequence = round((time.monotonic() - self._started_at) * 1000)
        with suppress(
            RedisUnavailable
        ):  # the row has it, and the next beat tells it again
            is_updated = projection.update_progress(
                self._task, progress, sequence=sequence
            )
            redis_store.set_alive(
                self._task.queue, seconds=3 * settings.HEARTBEAT_SECONDS
            )
            return is_updated
        return True
