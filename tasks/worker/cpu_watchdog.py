"""CPU watchdog for reports that hold the GIL and cannot heartbeat.

A report inside C code may hold the GIL for any length of time, so that the thread that
renews its lease never runs. The worker's main process checks whether the report's process
uses CPU time and records that in Redis. Such a task is not treated as lost and ends at its
time limit. A task whose process is stopped or blocked is treated as lost.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from celery.signals import worker_ready
from celery.worker import state
from django.conf import settings

from school.runtime.process_stat import read_stat
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.worker.activity import activity


class CpuWatchdog:
    """Periodic check that marks tasks whose process used CPU time since the last check."""

    def __init__(self) -> None:
        self._last_ticks: dict[int, int] = {}

    def __call__(self) -> None:
        task_by_pid = {r.worker_pid: r.id for r in _running_reports()}
        stats = {pid: read_stat(pid) for pid in task_by_pid}
        ticks = {
            pid: stat.cpu_ticks for pid, stat in stats.items() if stat and stat.can_run
        }
        active_pids = [
            pid for pid in ticks if ticks[pid] > self._last_ticks.get(pid, 0)
        ]
        self._last_ticks = ticks
        if active_pids:
            activity.record()
        with suppress(RedisUnavailable):
            redis_store.set_cpu_active(
                [task_by_pid[pid] for pid in active_pids],
                seconds=2 * settings.HEARTBEAT_SECONDS,
            )


@worker_ready.connect
def on_worker_ready(sender: Any, **_: Any) -> None:
    if sys.platform == "linux":
        sender.timer.call_repeatedly(settings.HEARTBEAT_SECONDS, CpuWatchdog())


def _running_reports() -> Iterator[Any]:
    """Yield the report requests that the pool's processes are running."""
    for request in list(state.active_requests):
        if request.name == "tasks.generate_report" and request.worker_pid:
            yield request
