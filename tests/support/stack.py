"""The service as real processes, started by the same commands as in production."""

import os
import re
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from school.runtime import worker_status
from school.runtime.client import Client
from school.runtime.embedded_redis import EmbeddedRedis, free_port
from school.runtime.processes import MANAGE_PY, service_commands
from school.runtime.supervisor import Supervisor
from tests.support.database_template import load_or_restore

STUDENT_COUNT = 200
LEASE_SECONDS = 3
"""Lease of a task, shorter than in production so that tests detect a lost worker soon."""


class Stack:
    def __init__(
        self,
        folder: Path,
        database_url: str = "",
        students: int = STUDENT_COUNT,
        **variables: str,
    ) -> None:
        self.folder = folder
        self._students = students
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self.pages_origin = f"http://localhost:{free_port()}"
        """Origin allowed by CORS, for the test pages."""
        self.valkey = EmbeddedRedis(folder)
        self.database_url = database_url or f"sqlite:///{folder / 'school.sqlite3'}"
        self.is_postgresql = not self.database_url.startswith("sqlite")
        self.environment = {
            **os.environ,
            "VAR_DIR": str(folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.valkey.start(),
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "REPUBLISH_AFTER_SECONDS": "2",
            "SHUTDOWN_GRACE_SECONDS": "3",
            "CORS_ALLOWED_ORIGINS": self.pages_origin,
            "REPORT_PACKAGES": "tasks.reports,tests.reports",
            **variables,
        }
        self.redis = redis.Redis.from_url(self.valkey.url)
        self.supervisor = Supervisor(
            folder / "log", self.environment, folder / worker_status.FILE_NAME
        )
        self._commands = service_commands(bind=f"127.0.0.1:{port}")

    def __enter__(self) -> "Stack":
        with ExitStack() as exit_stack:
            exit_stack.callback(self.__exit__)
            load_or_restore(self.database_url, f"demo_{self._students}", self._load)
            for name in self._commands:
                self.start(name)
            self.wait_until(lambda: Client(self.base_url).is_ready(), seconds=60)
            exit_stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.redis.close()
        self.supervisor.stop()
        self.valkey.stop()

    def _load(self) -> None:
        self.manage("migrate", "--verbosity", "0")
        self.manage("demo", "--force", "--students", str(self._students))

    def start(self, name: str) -> None:
        self.supervisor.start(name, self._commands[name])

    @contextmanager
    def web_with(self, *options: str) -> Iterator[None]:
        """Run the web process with these options inside the block."""
        self._restart_web(options)
        try:
            yield
        finally:
            self._restart_web()

    @contextmanager
    def second_web(self, folder: Path, **variables: str) -> Iterator[str]:
        """Run another web process with these variables, and its log in `folder`.

        The value is its base URL.
        """
        port = free_port()
        supervisor = Supervisor(folder, {**self.environment, **variables})
        supervisor.start("web", service_commands(bind=f"127.0.0.1:{port}")["web"])
        client = Client(f"http://127.0.0.1:{port}")
        try:
            self.wait_until(client.is_ready, seconds=60)
            yield client.base_url
        finally:
            supervisor.stop()

    def _restart_web(self, options: Sequence[str] = ()) -> None:
        self.supervisor.processes["web"].terminate()
        self.supervisor.processes["web"].wait()
        self.supervisor.start("web", [*self._commands["web"], *options])
        self.wait_until(lambda: Client(self.base_url).is_ready())

    def manage(self, *arguments: str) -> str:
        return self.run(sys.executable, str(MANAGE_PY), *arguments)

    def celery(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "celery", "-A", "school", *arguments)

    def run(self, *command: str) -> str:
        """Run a command in the stack's environment; return its output."""
        process = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    def as_user(self, username: str) -> Client:
        client = Client(self.base_url)
        client.log_in(username, "demo")
        return client

    def wait_until_final(
        self, client: Client, task: dict[str, Any], seconds: float = 30
    ) -> Any:
        """Poll the task until it is final; return its document."""
        deadline = time.monotonic() + seconds
        while task["poll_after_ms"] is not None:
            assert time.monotonic() < deadline, task
            time.sleep(min(0.2, task["poll_after_ms"] / 1000))
            task = client.request("GET", task["links"]["self"])
        return task

    def wait_until(self, condition: Callable[[], Any], seconds: float = 20) -> Any:
        """Return the value of `condition` once it is true."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"still false after {seconds} s"
            time.sleep(0.05)
        return value

    def query(self, sql: str, *parameters: object) -> Sequence[tuple[Any, ...]]:
        """Query the database directly, without the service's code."""
        if self.is_postgresql:
            with psycopg.connect(self.database_url) as connection:
                return connection.execute(sql.replace("?", "%s"), parameters).fetchall()
        path = self.database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as database:
            return database.execute(sql, parameters).fetchall()

    @contextmanager
    def suspend_between_writes(
        self, processes: Sequence[psutil.Process]
    ) -> Iterator[None]:
        """Freeze the processes inside the block while none holds SQLite's write lock.

        A frozen process with the lock would block all other writers.
        """
        with ExitStack() as exit_stack:
            with self._hold_write_lock():
                exit_stack.enter_context(suspend(processes))
                self.wait_until(lambda: all(map(_is_suspended, processes)))
            yield

    @contextmanager
    def _hold_write_lock(self) -> Iterator[None]:
        if self.is_postgresql:
            yield
            return
        path = self.database_url.removeprefix("sqlite:///")
        with closing(
            sqlite3.connect(path, timeout=30, isolation_level=None)
        ) as database:
            database.execute("BEGIN IMMEDIATE")
            yield


def _is_suspended(process: psutil.Process) -> bool:
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@contextmanager
def suspend(processes: Sequence[psutil.Process]) -> Iterator[None]:
    try:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def create_database(server: str | None = None) -> str:
    """Create an empty PostgreSQL database, by default on the tests' server; return its URL."""
    url = server or os.environ["TEST_DATABASE_URL"]
    name = f"stack_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", url, count=1)
