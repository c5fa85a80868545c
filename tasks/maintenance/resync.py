"""Resync: keeps the documents in Redis equal to their rows, also after a Redis reset."""

import math
import time
import uuid
from functools import partial

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from school.db import connections
from tasks import redis_store
from tasks.circuit_breaker import breaker
from tasks.maintenance.jobs import run_isolated
from tasks.status import projection

log = structlog.get_logger(__name__)

MAX_RESYNCS_PER_TICK = 200


class Resync:
    """Documents that are not verified, and the run of Redis that they were verified in."""

    def __init__(self) -> None:
        self.redis_run_id = ""
        self._redis_up_since = math.inf
        self._epoch = 0
        self._unverified: list[uuid.UUID] = []
        """Tasks whose documents Redis may have lost or restored in an old version; newest last."""

    @property
    def has_all_cpu_activity(self) -> bool:
        """True if Redis has been up for two heartbeats.

        After that every computing task has its CPU activity key again.
        """
        uptime = time.monotonic() - self._redis_up_since
        return uptime >= 2 * settings.HEARTBEAT_SECONDS

    def detect_redis_reset(self) -> None:
        """Mark every document unverified after Redis was restarted or flushed.

        The epoch is not advanced until they are resynced, so polls read the rows.
        """
        previous_up_since, self._redis_up_since = self._redis_up_since, math.inf
        run_id, epoch = redis_store.get_server_epoch()
        self._redis_up_since = min(previous_up_since, time.monotonic())
        if run_id != self.redis_run_id or epoch < self._epoch:
            self._redis_up_since = time.monotonic()
            self._unverified = list(reversed(projection.mirrored_ids()))
            self.redis_run_id, self._epoch = run_id, 0

    def resync_documents(self) -> None:
        """Write the documents that are out of date, then a batch of the unverified ones."""
        for task_id in projection.out_of_date_ids(MAX_RESYNCS_PER_TICK):
            resync = partial(projection.resync_document, task_id)
            run_isolated(resync, name="resync_document")
        batch = self._unverified[-MAX_RESYNCS_PER_TICK:]
        del self._unverified[-MAX_RESYNCS_PER_TICK:]
        self._unverified += [task_id for task_id in batch if not _resync_one(task_id)]

    def advance_epoch(self) -> None:
        """Advance the epoch in Redis while every document is verified."""
        if self.redis_run_id and not self._unverified and not breaker.is_open:
            self._epoch = redis_store.advance_epoch(self._epoch) or self._epoch


def _resync_one(task_id: uuid.UUID) -> bool:
    """Resync a document; return False if it must be retried.

    A document that can never be resynced must not keep the epoch from advancing.
    """
    try:
        return projection.resync_document(task_id)
    except (OperationalError, InterfaceError):
        connections.close()
        return False
    except Exception:
        log.exception("resync_failed", task_id=str(task_id))
        return True
