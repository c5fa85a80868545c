"""Child processes that end with their parent, and a supervisor that replaces them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from school.runtime import log_files, worker_status
from school.runtime.process_stat import read_stat
from school.runtime.startup import PRIVATE_UMASK
from school.runtime.worker_status import STUCK_STOP_SECONDS, StatusReader

PR_SET_PDEATHSIG = 1
STOP_TIMEOUT_SECONDS = 20
RESTART_INTERVAL_SECONDS = 1.0
STATUS_WRITER = "dispatcher"
"""Name of the process that writes the status of the workers."""
SILENT_SECONDS = 60
"""Seconds without a new status after which its writer is replaced."""


def start_child(
    command: Sequence[str],
    *,
    log: Path,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in its own session, so that Ctrl-C in the terminal does not reach it."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  (our own commands)
            command,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            umask=PRIVATE_UMASK if sys.platform != "win32" else -1,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    if stdin is not None and process.stdin is not None:
        process.stdin.write(stdin.encode())
        process.stdin.close()
    return process


class Supervisor:
    """Supervisor that starts processes, restarts those that exit, and stops all.

    It also replaces the workers that are stuck according to the dispatcher's status file, and
    the dispatcher if it writes none.
    """

    def __init__(
        self,
        log_dir: Path,
        environment: Mapping[str, str],
        status_file: Path | None = None,
    ) -> None:
        self._log_dir = log_dir
        self._environment = environment
        self._commands: dict[str, Sequence[str]] = {}
        self._start_times: dict[str, float] = {}
        self._status_reader = StatusReader(status_file) if status_file else None
        self._stopping_since: dict[str, float] = {}
        """Time at which each worker that is being replaced was told to stop."""
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        log_dir.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str]) -> None:
        self._commands[name] = command
        self._start_times[name] = time.monotonic()
        self._stopping_since.pop(name, None)
        log_files.rotate(self.log_path(name))
        self.processes[name] = start_child(
            command, log=self.log_path(name), environment=self._environment
        )

    def log_path(self, name: str) -> Path:
        return self._log_dir / f"{name}.log"

    def rotate_logs(self) -> None:
        for name in self.processes:
            log_files.rotate(self.log_path(name))

    def restart_exited(self) -> list[str]:
        """Restart exited processes, each at most once a second; return their names."""
        names = [
            n for n, process in self.processes.items() if process.poll() is not None
        ]
        for name in names:
            if time.monotonic() - self._start_times[name] >= RESTART_INTERVAL_SECONDS:
                self.start(name, self._commands[name])
        return names

    def replace_stuck(self) -> list[str]:
        """Stop the processes that are stuck; return the names of those told to stop just now.

        `restart_exited` starts them again. Without a status that is up to date, because the
        dispatcher or Redis is away, no worker is stopped.
        """
        if self._status_reader is None:
            return []
        status = self._status_reader.read()
        stuck_pids = {
            w.pid for w in worker_status.stuck_here(status.workers if status else ())
        }
        names = []
        for name, process in self.processes.items():
            is_writer = name == STATUS_WRITER
            if status is None and not is_writer:
                continue
            is_stuck = self._is_silent() if is_writer else process.pid in stuck_pids
            if process.poll() is None and (is_stuck or name in self._stopping_since):
                if name not in self._stopping_since:
                    self._stopping_since[name] = time.monotonic()
                    names.append(name)
                    process.terminate()
                if self._has_had_its_time(name, is_stuck=is_stuck):
                    kill_process_group(process)
        return names

    def _is_silent(self) -> bool:
        """Return whether the writer of the status has written none since it was started."""
        reader = self._status_reader
        running_seconds = time.monotonic() - self._start_times[STATUS_WRITER]
        return (
            reader is not None
            and min(running_seconds, reader.silent_seconds) >= SILENT_SECONDS
        )

    def _has_had_its_time(self, name: str, *, is_stuck: bool) -> bool:
        """Return whether a worker that was told to stop is to be killed.

        One that has come to life since then may hand over its reports.
        """
        stat = read_stat(self.processes[name].pid)
        if is_stuck and stat is not None and not stat.can_run:
            return True  # SIGTERM does not reach it
        seconds = time.monotonic() - self._stopping_since[name]
        return seconds >= (STUCK_STOP_SECONDS if is_stuck else STOP_TIMEOUT_SECONDS)

    def stop(self) -> None:
        """Terminate all processes; kill the process groups that do not end in time."""
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        try:
            for process in self.processes.values():
                process.terminate()
            for process in self.processes.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        finally:  # also after a second Ctrl-C
            for process in self.processes.values():
                if process.poll() is None:
                    kill_process_group(process)
            self.processes.clear()


def kill_process_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its children immediately."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _die_with_parent() -> None:
    """Let Linux send the child SIGTERM when its parent dies, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
