"""Vouches for reports that compute without letting their own heartbeat beat.

A report inside C code may hold Python's lock for as long as it likes, so that the thread
that renews its lease never runs. The worker's main process, which has a lock of its own,
sees whether the report's process uses the processor, and says so in Redis. Such a task is
not taken for lost; it ends at its time limit. One whose process is stopped or blocked is.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery.signals import worker_ready
from celery.worker import state
from django.conf import settings

from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable


class CpuWatchdog:
    """Remembers how much processor time each process had used when it was last seen."""

    def __init__(self) -> None:
        self._last_ticks: dict[int, int] = {}

    def __call__(self) -> None:
        task_by_pid = {r.worker_pid: r.id for r in _running_reports()}
        ticks = {pid: _cpu_ticks(pid) for pid in task_by_pid}
        active_pids = [
            pid for pid in ticks if ticks[pid] > self._last_ticks.get(pid, 0)
        ]
        self._last_ticks = ticks
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
    """What the pool's processes are at."""
    for request in list(state.active_requests):
        if request.name == "tasks.generate_report" and request.worker_pid:
            yield request


def _cpu_ticks(pid: int) -> int:
    """In ticks of the clock; 0 for a process that is stopped or gone."""
    try:
        # After the name in brackets: the state, and eleven fields on the two times.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "TtZX" else int(fields[11]) + int(fields[12])
