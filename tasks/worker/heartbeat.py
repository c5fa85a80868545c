"""Heartbeat of a running task: renews its lease and detects when it must stop."""

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog
from django.conf import settings
from django.db import connections

from school.models import User
from tasks import lifecycle, redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.failures import AccessRevoked, Canceled, LeaseLost, TimedOut
from tasks.models import Task
from tasks.progress import Progress, Tracker
from tasks.status import projection
from tasks.worker import shutdown
from tasks.worker.activity import activity
from tasks.worker.build import load_viewer

log = structlog.get_logger(__name__)

CHECK_INTERVAL = 0.5
"""Seconds between two checks of the deadline and of the worker's shutdown."""
ANNOUNCE_SECONDS = 0.1
"""Age at which an attempt writes its document; a shorter one writes only that of its end."""


class Heartbeat:
    """Thread that renews the lease while the report computes.

    After the time limit the thread itself fails the task as `timeout`, because the report
    may hang. If the worker is shutting down and the report does not finish within the
    grace period, the thread releases the task to another worker.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._started_at = time.monotonic()
        self._deadline = self._started_at + task.time_limit.total_seconds()
        self._next_beat_at = self._started_at + settings.HEARTBEAT_SECONDS
        self._access_version: int | None = task.access_version
        self._stop_event = threading.Event()
        self._announce_lock = threading.Lock()
        self._may_announce = True
        self._is_announced = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.tracker = Tracker(self._publish_progress)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_event.set()
        self._thread.join()

    @property
    def is_announced(self) -> bool:
        """True if this attempt has written a document, and nobody has checked the row since.

        It must be followed by one of a later version, or confirmed: this process may have
        slept before it was written.
        """
        return self._is_announced

    def end_announcement(self) -> None:
        """Let no document of the running task be written after the one of its end."""
        with self._announce_lock:
            self._may_announce = False

    def _announce(self) -> None:
        """Write the document of the running task once, and publish progress from then on."""
        with self._announce_lock:
            if not self._may_announce:
                return
            self._may_announce, self._is_announced = False, True
            projection.write_document(self._task)
        self.tracker.begin_publishing()

    def _run(self) -> None:
        delay = min(ANNOUNCE_SECONDS, self._check_delay())
        try:
            while not self._stop_event.wait(delay) and self.tracker.stop_reason is None:
                try:
                    self._announce()
                    self.tracker.stop_reason = self._check()
                except Exception:  # thread boundary: if it dies, the lease runs out
                    log.exception("heartbeat_missed", task_id=str(self._task.pk))
                    connections.close_all()  # Django does not reopen a broken one here
                delay = self._check_delay()
        finally:
            connections.close_all()  # those of this thread

    def _check(self) -> Exception | None:
        """Return the exception that must end the attempt, or None; renew a due lease."""
        if time.monotonic() >= self._deadline:
            # Failed from this thread, because the report may hang.
            lifecycle.fail(self._task, TimedOut())
            return LeaseLost()
        if shutdown.seconds_left() <= 0:
            lifecycle.release(self._task)
            return LeaseLost()
        if time.monotonic() < self._next_beat_at:
            self.tracker.notify_if_behind()
            return None
        self._next_beat_at = time.monotonic() + settings.HEARTBEAT_SECONDS
        return self._beat()

    def _beat(self) -> Exception | None:
        activity.record()  # before the database, which may hang
        is_cancel_requested = lifecycle.renew(self._task, self.tracker.progress)
        if is_cancel_requested is None:
            return LeaseLost()
        if is_cancel_requested:
            return Canceled()
        if self._has_lost_access():
            return AccessRevoked()
        if not self._publish_progress(self.tracker.estimate):
            projection.resync_document(self._task.pk)
        return None

    def _has_lost_access(self) -> bool:
        """Check the requester's access if its version has changed since the last beat."""
        viewer = User.objects.filter(pk=self._task.requester_id)
        version = viewer.values_list("access_version", flat=True).first()
        if version == self._access_version:
            return False
        self._access_version = version
        try:
            load_viewer(self._task)
        except AccessRevoked:
            return True
        return False

    def _check_delay(self) -> float:
        seconds_left = self._deadline - time.monotonic()
        return min(CHECK_INTERVAL, seconds_left) if seconds_left > 0 else CHECK_INTERVAL

    def _publish_progress(self, progress: Progress) -> bool:
        """Update the progress in the document; return False if there is no document."""
        sequence = round((time.monotonic() - self._started_at) * 1000)
        # Without Redis the row has the progress, and the next heartbeat publishes it.
        with suppress(RedisUnavailable):
            is_updated = projection.update_progress(
                self._task, progress, sequence=sequence
            )
            redis_store.set_alive(
                self._task.queue, seconds=3 * settings.HEARTBEAT_SECONDS
            )
            return is_updated
        return True
