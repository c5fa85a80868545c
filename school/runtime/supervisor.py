"""Child processes that end with their parent, and a supervisor that restarts them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from school.runtime import log_files
from school.runtime.startup import PRIVATE_UMASK

PR_SET_PDEATHSIG = 1
STOP_TIMEOUT_SECONDS = 20
RESTART_INTERVAL_SECONDS = 1.0


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
    """Supervisor that starts processes, restarts those that exit, and stops all."""

    def __init__(self, log_dir: Path, environment: Mapping[str, str]) -> None:
        self._log_dir = log_dir
        self._environment = environment
        self._commands: dict[str, Sequence[str]] = {}
        self._start_times: dict[str, float] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        log_dir.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str]) -> None:
        self._commands[name] = command
        self._start_times[name] = time.monotonic()
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
