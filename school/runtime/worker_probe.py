"""Health check of the workers on this host: `python -m school.runtime.worker_probe FILE`.

It exits 1 if a worker is stuck or has not registered. With `--replace` it also stops the
stuck ones, for supervisors that restart what exits but not what is unhealthy, as Docker does.
Without a status that is up to date it exits 0: nothing is to be restarted because Redis or
the dispatcher is away.
"""

import argparse
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from school.runtime.process_stat import read_stat
from school.runtime.worker_status import (
    STUCK_SECONDS,
    STUCK_STOP_SECONDS,
    Status,
    StatusReader,
    WorkerStatus,
    stuck_here,
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m school.runtime.worker_probe",
        description="Exit 1 if a worker on this host is stuck.",
    )
    parser.add_argument(
        "file", type=Path, help="the dispatcher's worker-status.json in VAR_DIR"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="stop the stuck workers: SIGTERM, then SIGKILL",
    )
    options = parser.parse_args(arguments)
    reader = StatusReader(options.file)
    status = reader.wait()
    is_healthy, sentence = describe(status)
    print(sentence)
    if status is not None and options.replace:
        for worker in stuck_here(status.workers):
            print(f"{worker.name} is stopped.")
            stop_worker(worker, reader)
    return 0 if is_healthy else 1


def describe(status: Status | None) -> tuple[bool, str]:
    """Return whether the workers on this host may go on, and a sentence that says why."""
    if status is None:
        return True, (
            "Unknown: the dispatcher does not write the file. It is away, or its VAR_DIR is "
            "another folder."
        )
    stuck = stuck_here(status.workers)
    if stuck:
        names = ", ".join(worker.name for worker in stuck)
        return False, (
            f"Stuck: {names} took no message for {STUCK_SECONDS} s although some wait."
        )
    names = ", ".join(sorted(w.name for w in status.workers if w.is_on_this_host))
    if names:
        return True, f"Healthy: {names}."
    if status.watch_seconds < STUCK_SECONDS:
        return True, "Unknown: the dispatcher has just begun to watch the workers."
    return False, f"Missing: no worker of {socket.gethostname()} has registered."


def stop_worker(worker: WorkerStatus, reader: StatusReader) -> None:
    """Send SIGTERM, and SIGKILL if the worker then stays stuck.

    Nothing happens to a process that has its id by chance, nor to a worker that has come to
    life.
    """
    _send(worker, signal.SIGTERM)
    deadline = time.monotonic() + STUCK_STOP_SECONDS
    while worker.is_on_this_host and time.monotonic() < deadline:
        stat = read_stat(worker.pid)
        if stat is not None and not stat.can_run:
            break  # SIGTERM does not reach it
        time.sleep(0.2)
    status = reader.wait()
    if status is not None and worker.pid in {w.pid for w in stuck_here(status.workers)}:
        _send(worker, signal.SIGKILL)


def _send(worker: WorkerStatus, number: signal.Signals) -> None:
    if worker.is_on_this_host:
        with suppress(ProcessLookupError):
            os.kill(worker.pid, number)


if __name__ == "__main__":
    sys.exit(main())
