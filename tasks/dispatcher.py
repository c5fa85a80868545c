"""Looks once a second for what was lost on the way, and sets it right.

Several may run: each step is a guarded move, or harmless when doubled.
"""

import time
import uuid
from collections.abc import Callable
from functools import partial

import structlog

from school import connections
from tasks import backlog, fairness, mirror, publishing, recovery, store
from tasks.breaker import RedisAway, breaker
from tasks.housekeeping import CANARY_SECONDS

log = structlog.get_logger(__name__)

REPORT_QUEUES = ("reports", "reports.bulk")
ALIVE_SECONDS = 10
SWEEP_SECONDS = 60
REPAIRS_A_TICK = 200


class Dispatcher:
    """Runs the steps; remembers only when the rarer ones are due."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._redis = ""
        self._tide = 0
        self._doubtful: list[uuid.UUID] = []
        """Tasks whose documents Redis may have lost, or gone back with; newest last."""

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

    def _watch_redis(self) -> None:
        """Doubt every document after a restart or a wipe, of which we may be the last to know.

        Until they are mended the tide is not raised, so that no poll trusts Redis.
        """
        redis, tide = store.tide()
        if redis != self._redis or tide < self._tide:
            self._doubtful = list(reversed(mirror.shown()))
            self._redis, self._tide = redis, 0

    def _recover(self) -> None:
        if moved := recovery.recover():
            log.warning("tasks_recovered", count=moved)

    def _publish(self) -> None:
        for queue in REPORT_QUEUES:
            fairness.publish_next(queue)
            fairness.publish_lost_again(queue)

    def _repair(self) -> None:
        for task_id in mirror.lagging(REPAIRS_A_TICK):
            self._run(partial(mirror.repair, task_id))
        for task_id in self._doubtful[-REPAIRS_A_TICK:]:
            self._run(partial(mirror.repair, task_id))
        # Those tried last, for one that cannot be mended must not keep the others in doubt.
        if not breaker.is_open:
            del self._doubtful[-REPAIRS_A_TICK:]

    def _raise_tide(self) -> None:
        if self._redis and not self._doubtful and not breaker.is_open:
            self._tide = store.raise_tide(self._tide) or self._tide

    def _measure(self) -> None:
        store.put_backlog({queue: backlog.measure(queue) for queue in REPORT_QUEUES})

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
