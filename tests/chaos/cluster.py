"""The service under test: its real processes, and the ways in which they can be hurt."""

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
from tests.support.postgresql import Postgresql
from tests.support.stack import Stack, frozen

FOLLOWS = 0.3
"""Seconds between two looks of the supervisor."""
ENDING_SECONDS = 25
"""How long a process is given to end after SIGTERM, as by a supervisor in production."""


class House(Stack):
    """A stack with a supervisor that restarts what ends."""

    def __init__(
        self, folder: Path, *, database: str, variables: dict[str, str]
    ) -> None:
        self.postgresql = Postgresql() if database == "postgresql" else None
        url = self.postgresql.url if self.postgresql else ""
        super().__init__(folder, url, ACCESS_TOKEN_MINUTES="720", **variables)
        self.over = threading.Event()
        """Set when nothing shall wait any more."""
        self._tended = threading.RLock()
        self._supervisor = threading.Thread(target=self._tend, daemon=True)

    def __enter__(self) -> "House":
        super().__enter__()
        self._supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        with self._tended:
            super().__exit__()
        if self._supervisor.is_alive():
            self._supervisor.join()
        if self.postgresql:
            self.postgresql.close()

    def _tend(self) -> None:
        while not self.over.wait(FOLLOWS):
            with self._tended:
                self.keeper.restart_exited()

    # --- Looking ---------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        self.over.wait(seconds)

    def until(self, condition: Callable[[], Any], seconds: float) -> bool:
        """Whether the condition came true in time; the database may be away meanwhile."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.over.is_set():
            with suppress(psycopg.OperationalError):
                if condition():
                    return True
            time.sleep(0.02)
        return False

    def count(self, condition: str) -> int:
        return int(
            self.query(f"SELECT count(*) FROM tasks_task WHERE {condition}")[0][0]
        )

    def processes(self, name: str) -> list[psutil.Process]:
        """The process of that name, and after it its children."""
        with suppress(psutil.NoSuchProcess, KeyError):
            main = psutil.Process(self.keeper.processes[name].pid)
            return [main, *main.children(recursive=True)]
        return []

    # --- Processes -------------------------------------------------------------------

    @contextmanager
    def unattended(self) -> Iterator[None]:
        """Nothing is restarted inside."""
        with self._tended:
            yield

    def kill(self, name: str) -> None:
        """Kill the process with all its children, at once."""
        with self._tended:
            kill_process_group(self.keeper.processes[name])

    def end(self, *names: str) -> None:
        """Ask the processes to end, and wait as long as a supervisor would."""
        with self._tended:
            deadline = time.monotonic() + ENDING_SECONDS
            for name in names:
                self.keeper.processes[name].terminate()
            for name in names:
                process = self.keeper.processes[name]
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
                if process.poll() is None:
                    kill_process_group(process)

    def start_with(self, name: str, **variables: str) -> None:
        """Start the process with other variables than its fellows."""
        changed = [f"{key}={value}" for key, value in variables.items()]
        with self._tended:
            self.keeper.start(name, ["env", *changed, *self._commands[name]])

    @property
    def names(self) -> Sequence[str]:
        return tuple(self._commands)

    @contextmanager
    def one_more(self, name: str) -> Iterator[None]:
        """A second process of that name beside the first."""
        log = self.folder / "log" / f"second-{name}.log"
        process = start_child(
            self._commands[name], log=log, environment=self.environment
        )
        try:
            yield
        finally:
            kill_process_group(process)

    def by_hand(self, *arguments: str) -> None:
        """A `celery` command as somebody types it; it may fail."""
        command = [sys.executable, "-m", "celery", "-A", "school", *arguments]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                command, env=self.environment, capture_output=True, timeout=30
            )

    # --- Redis -----------------------------------------------------------------------

    @contextmanager
    def redis_frozen(self) -> Iterator[None]:
        with frozen([psutil.Process(self.valkey.process.pid)]):
            yield

    @contextmanager
    def redis_killed(self) -> Iterator[Path]:
        """Redis is not there inside; yields the folder of its file."""
        self.valkey.process.kill()
        self.valkey.process.wait()
        try:
            yield self.folder / "valkey" / "appendonlydir"
        finally:
            self.valkey.start()

    def copy_of_redis_file(self) -> Path:
        copy = self.folder / "valkey" / "older"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / "valkey" / "appendonlydir", copy)
        return copy


def kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
