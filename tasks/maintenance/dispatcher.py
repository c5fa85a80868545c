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
from tasks.scheduling.fair_order import Waiting
from tasks.scheduling.throughput import Pace
from tasks.status import projection

log = structlog.get_logger(__name__)

REPORT_QUEUES = ("reports", "reports.bulk")
ALIVE_SECONDS = 10
SWEEP_SECONDS = 60
COMMANDS_SECONDS = 3600
MESSAGES_TO_SPARE = 20
"""How far past what is published a queue may grow; nobody seems to read it then."""
REPAIRS_A_TICK = 200


class Dispatcher:
    """Runs the steps; remembers when the rarer ones are due, and how the queues looked."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._redis = ""
        self._answering_since = math.inf
        self._tide = 0
        self._doubtful: list[uuid.UUID] = []
        """Tasks whose documents Redis may have lost, or gone back with; newest last."""
        self._paces = {queue: Pace(queue) for queue in REPORT_QUEUES}
        self._lines: dict[str, list[Waiting]] = {}

    def tick(self) -> None:
        """Run every step; one that cannot reach its part is tried at the next tick."""
        for step in (
            self._tell_alive,
            self._watch_redis,
            self._recover,
            self._publish,
            self._repair,
            self._raise_tide,
            self._measure,
            self._send_canaries,
            self._sweep,
        ):
            self._run(step)

    def publish_more(self) -> None:
        """Between two ticks: go on with the lines as they stood at the last one."""
        self._run(self._publish_from_lines)

    def _run(self, step: Callable[[], object]) -> None:
        try:
            step()
        except RedisUnavailable:
            pass
        except Exception:  # the process's boundary: one bad row stops no other step
            log.exception("dispatch_step_failed", step=str(step))
            connections.close()

    def _tell_alive(self) -> None:
        redis_store.mark_alive("dispatcher", seconds=ALIVE_SECONDS)

    def _watch_redis(self) -> None:
        """Doubt every document after a restart or a wipe, of which we may be the last to know.

        Until they are mended the tide is not raised, so that no poll trusts Redis.
        """
        before, self._answering_since = self._answering_since, math.inf
        redis, tide = redis_store.tide()
        self._answering_since = min(before, time.monotonic())
        if redis != self._redis or tide < self._tide:
            self._answering_since = time.monotonic()
            self._doubtful = list(reversed(projection.shown()))
            self._redis, self._tide = redis, 0

    def _recover(self) -> None:
        # So long it takes until whatever computes is marked again.
        sure = (
            time.monotonic() - self._answering_since >= 2 * settings.HEARTBEAT_SECONDS
        )
        if moved := lease_recovery.recover(has_all_marks=sure):
            log.warning("tasks_recovered", count=moved)

    def _publish(self) -> None:
        for queue, pace in self._paces.items():
            pace.look()
            self._lines[queue] = outbox.line_up(queue)
        self._publish_from_lines()
        for queue in REPORT_QUEUES:
            outbox.publish_lost_again(queue)

    def _publish_from_lines(self) -> None:
        for queue, line in self._lines.items():
            if line:
                outbox.publish_next(queue, line, self._paces[queue].ahead(line))

    def _repair(self) -> None:
        for task_id in projection.lagging(REPAIRS_A_TICK):
            self._run(partial(projection.repair, task_id))
        tried = self._doubtful[-REPAIRS_A_TICK:]
        del self._doubtful[-REPAIRS_A_TICK:]
        self._doubtful += [task_id for task_id in tried if not self._mend(task_id)]

    def _mend(self, task_id: uuid.UUID) -> bool:
        """Whether nothing is left to be done about the document.

        One that cannot be mended at all must not keep the others in doubt for ever.
        """
        try:
            return projection.repair(task_id)
        except (OperationalError, InterfaceError):
            connections.close()
            return False
        except Exception:
            log.exception("document_not_mended", task_id=str(task_id))
            return True

    def _raise_tide(self) -> None:
        if self._redis and not self._doubtful and not breaker.is_open:
            self._tide = redis_store.raise_tide(self._tide) or self._tide

    def _measure(self) -> None:
        places: dict[int, dict[str, Any]] = defaultdict(dict)
        for queue, pace in self._paces.items():
            order = outbox.published(queue) + self._lines.get(queue, [])
            for viewer, marks in positions.places(order, pace.waits(order)).items():
                places[viewer][queue] = marks
        redis_store.put_places(places)

    def _send_canaries(self) -> None:
        if self._is_due("canaries", CANARY_SECONDS):
            for queue in ("default", *REPORT_QUEUES):
                self._send("tasks.canary", queue, queue=queue, every=CANARY_SECONDS)

    def _sweep(self) -> None:
        if self._is_due("sweep", SWEEP_SECONDS):
            self._send("tasks.sweep", queue="default", every=SWEEP_SECONDS)
        if self._is_due("commands", COMMANDS_SECONDS):
            self._send("tasks.run_commands", queue="default", every=COMMANDS_SECONDS)

    def _send(self, name: str, *args: str, queue: str, every: float) -> None:
        """Send it unless too many wait there already: Redis must not fill up with them."""
        if (
            redis_store.queue_length(queue)
            < settings.MAX_PUBLISHED_PER_QUEUE + MESSAGES_TO_SPARE
        ):
            # One that waited longer than this does nothing that the next will not.
            broker.send(name, *args, queue=queue, expires=every)

    def _is_due(self, name: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(name, 0.0):
            return False
        self._due[name] = now + seconds
        return True
