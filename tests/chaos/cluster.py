"""Service under test: its real processes, and the operations that disturb them."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from school.runtime.supervisor import kill_process_group, start_child
from tests.support.postgresql import PostgresqlServer
from tests.support.stack import Stack, suspend

SUPERVISION_INTERVAL_SECONDS = 0.3
"""Seconds between two checks of the supervisor."""
SHUTDOWN_TIMEOUT_SECONDS = 25
"""Seconds between SIGTERM and SIGKILL, as with a supervisor in production."""


class Cluster(Stack):
    """A stack whose supervisor restarts processes that exit."""

    def __init__(
        self, folder: Path, *, database: str, variables: dict[str, str]
    ) -> None:
        self.postgresql = PostgresqlServer() if database == "postgresql" else None
        url = self.postgresql.url if self.postgresql else ""
        super().__init__(folder, url, ACCESS_TOKEN_MINUTES="720", **variables)
        self.stop_event = threading.Event()
        """Event that ends all pauses and waits."""
        self._supervision_lock = threading.RLock()
        self._supervisor_thread = threading.Thread(target=self._supervise, daemon=True)

    def __enter__(self) -> "Cluster":
        super().__enter__()
        self._supervisor_thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_event.set()
        with self._supervision_lock:
            super().__exit__()
        if self._supervisor_thread.is_alive():
            self._supervisor_thread.join()
        if self.postgresql:
            self.postgresql.close()

    def _supervise(self) -> None:
        while not self.stop_event.wait(SUPERVISION_INTERVAL_SECONDS):
            with self._supervision_lock:
                self.supervisor.replace_stuck()
                self.supervisor.restart_exited()

    # --- State -----------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        self.stop_event.wait(seconds)

    def becomes_true(self, condition: Callable[[], Any], seconds: float) -> bool:
        """Return whether the condition came true in time; database errors count as false."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.stop_event.is_set():
            with suppress(psycopg.OperationalError):
                if condition():
                    return True
            time.sleep(0.02)
        return False

    def count_tasks(self, condition: str) -> int:
        return int(
            self.query(f"SELECT count(*) FROM tasks_task WHERE {condition}")[0][0]
        )

    def processes(self, name: str) -> list[psutil.Process]:
        """Return the named process, followed by its children."""
        with suppress(psutil.NoSuchProcess, KeyError):
            main = psutil.Process(self.supervisor.processes[name].pid)
            return [main, *main.children(recursive=True)]
        return []

    # --- Processes -------------------------------------------------------------------

    @contextmanager
    def without_restarts(self) -> Iterator[None]:
        """Suspend restarts inside the block."""
        with self._supervision_lock:
            yield

    def kill(self, name: str) -> None:
        """Kill the process with all its children."""
        with self._supervision_lock:
            kill_process_group(self.supervisor.processes[name])

    def terminate(self, *names: str) -> None:
        """Send SIGTERM, and SIGKILL after `SHUTDOWN_TIMEOUT_SECONDS`."""
        with self._supervision_lock:
            deadline = time.monotonic() + SHUTDOWN_TIMEOUT_SECONDS
            for name in names:
                self.supervisor.processes[name].terminate()
            for name in names:
                process = self.supervisor.processes[name]
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
                if process.poll() is None:
                    kill_process_group(process)

    def start_with_env(self, name: str, **variables: str) -> None:
        """Start the process with additional environment variables."""
        assignments = [f"{key}={value}" for key, value in variables.items()]
        with self._supervision_lock:
            self.supervisor.start(name, ["env", *assignments, *self._commands[name]])

    @property
    def process_names(self) -> Sequence[str]:
        return tuple(self._commands)

    @contextmanager
    def second_process(self, name: str) -> Iterator[None]:
        """Run a second process of that name inside the block."""
        log = self.folder / "log" / f"second-{name}.log"
        process = start_child(
            self._commands[name], log=log, environment=self.environment
        )
        try:
            yield
        finally:
            kill_process_group(process)

    def try_celery(self, *arguments: str) -> bool:
        """Run a `celery` command as an operator would; return whether it succeeded."""
        command = [sys.executable, "-m", "celery", "-A", "school", *arguments]
        with suppress(subprocess.TimeoutExpired):
            process = subprocess.run(
                command, env=self.environment, capture_output=True, timeout=30
            )
            return process.returncode == 0
        return False

    # --- Redis -----------------------------------------------------------------------

    @contextmanager
    def freeze_redis(self) -> Iterator[None]:
        with suspend([psutil.Process(self.valkey.process.pid)]):
            yield

    @contextmanager
    def kill_redis(self) -> Iterator[Path]:
        """Keep Redis stopped inside the block; yield the folder of its append-only file."""
        self.valkey.process.kill()
        self.valkey.process.wait()
        try:
            yield self.folder / "valkey" / "appendonlydir"
        finally:
            self.valkey.start()

    def copy_redis_data(self) -> Path:
        copy = self.folder / "valkey" / "older"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / "valkey" / "appendonlydir", copy)
        return copy


def kill_processes(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
