"""Looks once a second for what was lost on the way, and sets it right.

Several may run: each step is a guarded move, or harmless when doubled.
"""

import math
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from school.db import connections
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.maintenance import lease_recovery
from tasks.maintenance.tasks import CANARY_SECONDS
from tasks.scheduling import broker, outbox, positions
from tasks.scheduling.fair_order import QueuedTask
from tasks.scheduling.throughput import Throughput
from tasks.status import projection

log = structlog.get_logger(__name__)

REPORT_QUEUES = ("reports", "reports.bulk")
ALIVE_TTL = 10
SWEEP_SECONDS = 60
COMMANDS_SECONDS = 3600
MAX_EXTRA_MESSAGES = 20
"""How far past what is published a queue may grow; nobody seems to read it then."""
MAX_RESYNCS_PER_TICK = 200


class Dispatcher:
    """Runs the steps; remembers when the rarer ones are due, and how the queues looked."""

    def __init__(self) -> None:
        self._next_due: dict[str, float] = {}
        self._redis_run_id = ""
        self._redis_up_since = math.inf
        self._epoch = 0
        self._unverified: list[uuid.UUID] = []
        """Tasks whose documents Redis may have lost, or gone back with; newest last."""
        self._throughputs = {queue: Throughput(queue) for queue in REPORT_QUEUES}
        self._backlogs: dict[str, list[QueuedTask]] = {}

    def tick(self) -> None:
        """Run every step; one that cannot reach its part is tried at the next tick."""
        for step in (
            self._set_alive,
            self._detect_redis_reset,
            self._recover,
            self._publish,
            self._resync,
            self._advance_epoch,
            self._publish_positions,
            self._send_canaries,
            self._send_periodic_tasks,
        ):
            self._run(step)

    def publish_more(self) -> None:
        """Between two ticks: go on with the lines as they stood at the last one."""
        self._run(self._publish_backlogs)

    def _run(self, step: Callable[[], object]) -> None:
        try:
            step()
        except RedisUnavailable:
            pass
        except Exception:  # the process's boundary: one bad row stops no other step
            log.exception("dispatch_step_failed", step=str(step))
            connections.close()

    def _set_alive(self) -> None:
        redis_store.set_alive("dispatcher", seconds=ALIVE_TTL)

    def _detect_redis_reset(self) -> None:
        """Doubt every document after a restart or a wipe, of which we may be the last to know.

        Until they are mended the tide is not raised, so that no poll trusts Redis.
        """
        before, self._redis_up_since = self._redis_up_since, math.inf
        run_id, epoch = redis_store.get_server_epoch()
        self._redis_up_since = min(before, time.monotonic())
        if run_id != self._redis_run_id or epoch < self._epoch:
            self._redis_up_since = time.monotonic()
            self._unverified = list(reversed(projection.mirrored_ids()))
            self._redis_run_id, self._epoch = run_id, 0

    def _recover(self) -> None:
        # So long it takes until whatever computes is marked again.
        is_complete = (
            time.monotonic() - self._redis_up_since >= 2 * settings.HEARTBEAT_SECONDS
        )
        if count := lease_recovery.recover_tasks(is_cpu_activity_complete=is_complete):
            log.warning("tasks_recovered", count=count)

    def _publish(self) -> None:
        for queue, throughput in self._throughputs.items():
            throughput.refresh()
            self._backlogs[queue] = outbox.queue_order(queue)
        self._publish_backlogs()
        for queue in REPORT_QUEUES:
            outbox.republish_lost(queue)

    def _publish_backlogs(self) -> None:
        for queue, backlog in self._backlogs.items():
            if backlog:
                outbox.publish_next(
                    queue, backlog, self._throughputs[queue].prefetch_target(backlog)
                )

    def _resync(self) -> None:
        for task_id in projection.out_of_date_ids(MAX_RESYNCS_PER_TICK):
            self._run(partial(projection.resync_document, task_id))
        batch = self._unverified[-MAX_RESYNCS_PER_TICK:]
        del self._unverified[-MAX_RESYNCS_PER_TICK:]
        self._unverified += [
            task_id for task_id in batch if not self._resync_one(task_id)
        ]

    def _resync_one(self, task_id: uuid.UUID) -> bool:
        """Whether nothing is left to be done about the document.

        One that cannot be mended at all must not keep the others in doubt for ever.
        """
        try:
            return projection.resync_document(task_id)
        except (OperationalError, InterfaceError):
            connections.close()
            return False
        except Exception:
            log.exception("resync_failed", task_id=str(task_id))
            return True

    def _advance_epoch(self) -> None:
        if self._redis_run_id and not self._unverified and not breaker.is_open:
            self._epoch = redis_store.advance_epoch(self._epoch) or self._epoch

    def _publish_positions(self) -> None:
        by_viewer: dict[int, dict[str, Any]] = defaultdict(dict)
        for queue, throughput in self._throughputs.items():
            order = outbox.published_order(queue) + self._backlogs.get(queue, [])
            for viewer_id, samples in positions.sample_positions(
                order, throughput.start_estimates(order)
            ).items():
                by_viewer[viewer_id][queue] = samples
        redis_store.set_queue_positions(by_viewer)

    def _send_canaries(self) -> None:
        if self._is_due("canaries", CANARY_SECONDS):
            for queue in ("default", *REPORT_QUEUES):
                self._send("tasks.canary", queue, queue=queue, every=CANARY_SECONDS)

    def _send_periodic_tasks(self) -> None:
        if self._is_due("sweep", SWEEP_SECONDS):
            self._send("tasks.sweep", queue="default", every=SWEEP_SECONDS)
        if self._is_due("commands", COMMANDS_SECONDS):
            self._send("tasks.run_commands", queue="default", every=COMMANDS_SECONDS)

    def _send(self, name: str, *args: str, queue: str, every: float) -> None:
        """Send it unless too many wait there already: Redis must not fill up with them."""
        if (
            redis_store.queue_length(queue)
            < settings.MAX_PUBLISHED_PER_QUEUE + MAX_EXTRA_MESSAGES
        ):
            # One that waited longer than this does nothing that the next will not.
            broker.send_task(name, *args, queue=queue, expires=every)

    def _is_due(self, name: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._next_due.get(name, 0.0):
            return False
        self._next_due[name] = now + seconds
        return True
