"""Status of the workers: a file in which the dispatcher says once a second which are stuck.

The supervisor and the probes read it. It needs no access to Redis, no secret and no clock
that agrees with the dispatcher's.
"""

import json
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from school.runtime.process_stat import start_ticks

FILE_NAME = "worker-status.json"
STUCK_SECONDS = 45
"""Seconds without activity, while messages wait for it, after which a worker is stuck."""
STUCK_STOP_SECONDS = 3
"""Seconds from SIGTERM until a worker that stays stuck is killed.

It hands over what it holds within a second. A report that it no longer beats for has lost its
lease long before.
"""
MAX_AGE_SECONDS = 5.0
"""Age from which a status says nothing: the dispatcher does not live, or is too slow."""


@dataclass(frozen=True)
class WorkerStatus:
    """One worker, as the dispatcher sees it."""

    name: str
    host: str
    pid: int
    start_ticks: int
    idle_seconds: float
    """Seconds for which messages have waited for it while it showed no activity."""

    @property
    def is_stuck(self) -> bool:
        return self.idle_seconds >= STUCK_SECONDS

    @property
    def is_on_this_host(self) -> bool:
        """Return whether the process runs here, and is not a later one with the same id."""
        return (
            self.host == socket.gethostname()
            and start_ticks(self.pid) == self.start_ticks
        )


@dataclass(frozen=True)
class Status:
    workers: list[WorkerStatus]
    watch_seconds: float
    """Seconds for which Redis, database and dispatcher have been there without a pause."""


def write_status(path: Path, status: Status) -> None:
    """Replace the file; its sequence number differs from the previous one."""
    document = {"sequence": time.time_ns(), **asdict(status)}
    temporary = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}")
    temporary.write_text(json.dumps(document))
    temporary.replace(path)


class StatusReader:
    """Reader that believes a status only while the dispatcher keeps writing it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sequence: int | None = None
        self._changed_at = float("-inf")

    def read(self) -> Status | None:
        """Return the status, or None if the dispatcher has not just written it.

        What the first call finds may be of any age, so it returns None.
        """
        try:
            document = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return None
        sequence = document["sequence"]
        if self._sequence is not None and sequence != self._sequence:
            self._changed_at = time.monotonic()
        self._sequence = sequence
        if self.silent_seconds > MAX_AGE_SECONDS:
            return None
        workers = [WorkerStatus(**worker) for worker in document["workers"]]
        return Status(workers, document["watch_seconds"])

    @property
    def silent_seconds(self) -> float:
        """Seconds since the last call of `read` that found a new status; infinite before."""
        return time.monotonic() - self._changed_at

    def wait(self) -> Status | None:
        """Return the next status that the dispatcher writes, or None if it writes none."""
        deadline = time.monotonic() + MAX_AGE_SECONDS
        while (status := self.read()) is None and time.monotonic() < deadline:
            time.sleep(0.1)
        return status


def stuck_here(workers: Iterable[WorkerStatus]) -> list[WorkerStatus]:
    """Return the stuck workers on this host."""
    return [w for w in workers if w.is_stuck and w.is_on_this_host]
