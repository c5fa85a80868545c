"""Looks once a second for what was lost on the way, and sets it right.

Several may run: each step is a guarded move, or harmless when doubled.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

from school import connections
from tasks import backlog, fairness, lifecycle, mirror, publishing, store
from tasks.breaker import RedisAway
from tasks.housekeeping import CANARY_SECONDS
from tasks.pace import Pace
from tasks.turns import Waiting

log = structlog.get_logger(__name__)

REPORT_QUEUES = ("reports", "reports.bulk")
ALIVE_SECONDS = 10
SWEEP_SECONDS = 60
REPAIRS_A_TICK = 200


class Dispatcher:
    """Runs the steps; remembers when the rarer ones are due, and how the queues looked."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._paces = {queue: Pace(queue) for queue in REPORT_QUEUES}
        self._lines: dict[str, list[Waiting]] = {}

    def tick(self) -> None:
        """Run every step; one that cannot reach its part is tried at the next tick."""
        for step in (
            self._tell_alive,
            self._recover,
            self._publish,
            self._repair,
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
        except RedisAway:
            pass
        except Exception:  # the process's boundary: one bad row stops no other step
            log.exception("dispatch_step_failed", step=str(step))
            connections.drop_broken()

    def _tell_alive(self) -> None:
        store.mark_alive("dispatcher", seconds=ALIVE_SECONDS)

    def _recover(self) -> None:
        if moved := lifecycle.recover():
            log.warning("tasks_recovered", count=moved)

    def _publish(self) -> None:
        for queue, pace in self._paces.items():
            pace.look()
            self._lines[queue] = fairness.line_up(queue)
        self._publish_from_lines()
        for queue in REPORT_QUEUES:
            fairness.publish_lost_again(queue)

    def _publish_from_lines(self) -> None:
        for queue, line in self._lines.items():
            if line:
                fairness.publish_next(queue, line, self._paces[queue].ahead(line))

    def _repair(self) -> None:
        for task_id in mirror.lagging(REPAIRS_A_TICK):
            self._run(partial(mirror.repair, task_id))

    def _measure(self) -> None:
        lengths: dict[str, Any] = {}
        places: dict[int, dict[str, Any]] = defaultdict(dict)
        for queue, pace in self._paces.items():
            order = fairness.published(queue) + self._lines.get(queue, [])
            lengths[queue] = {"waiting": len(order), "running": pace.running}
            for viewer, marks in backlog.places(order, pace.waits(order)).items():
                places[viewer][queue] = marks
        store.put_backlog(lengths)
        store.put_places(places)

    def _send_canaries(self) -> None:
        if self._is_due("canaries", CANARY_SECONDS):
            for queue in ("default", *REPORT_QUEUES):
                # One that waited longer than this tells nothing that the next will not.
                publishing.send(
                    "tasks.canary", queue, queue=queue, expires=CANARY_SECONDS
                )

    def _sweep(self) -> None:
        if self._is_due("sweep", SWEEP_SECONDS):
            publishing.send("tasks.expire_artifacts", queue="default")

    def _is_due(self, name: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(name, 0.0):
            return False
        self._due[name] = now + seconds
        return True
