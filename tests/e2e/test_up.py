"""Runs of `make up` and `make demo`: start, output, errors and shutdown."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from school.runtime.client import Client
from school.runtime.embedded_redis import free_port
from school.runtime.processes import MANAGE_PY
from tests.support.environment import DATABASE
from tests.support.stack import create_database

sqlite_only = pytest.mark.skipif(
    DATABASE != "sqlite", reason="without DATABASE_URL the command uses SQLite"
)

requires_proc = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="leftover processes are searched in /proc"
)

starts_everything = pytest.mark.deep("it starts the whole service and loads a network")


class UpProcess:
    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        ignored_prefixes = ("DATABASE_URL", "REDIS_URL", "REPORT_PACKAGES", "TEST_")
        inherited_env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(ignored_prefixes)
        }
        self.folder = folder
        self.port = environment.setdefault("PORT", str(free_port()))
        self.process = subprocess.Popen(
            [sys.executable, str(MANAGE_PY), "up", *options],
            env={**inherited_env, "VAR_DIR": str(folder), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read_until(self, text: str) -> str:
        output = ""
        for line in self.process.stdout:
            output += line
            if text in line:
                return output
        raise AssertionError(output)

    def wait_for_exit(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=100)
        return self.process.returncode, output

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def find_leftover_processes(self) -> list[str]:
        """Return the ids of running processes that use this state folder."""
        state_dir_entry = f"VAR_DIR={self.folder}".encode()
        config = str(self.folder).encode()
        pids = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                details = (entry / "environ").read_bytes() + (
                    entry / "cmdline"
                ).read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if (state_dir_entry in details or config in details) and state != "Z":
                pids.append(entry.name)
        return pids


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator:
    processes: list[UpProcess] = []

    def start(*options: str, **environment: str) -> UpProcess:
        processes.append(UpProcess(tmp_path / "var", *options, **environment))
        return processes[-1]

    yield start
    for process in processes:
        process.end()


@dataclass(frozen=True)
class DemoRun:
    """A finished run: its exit code, its output, and its leftover processes."""

    exit_code: int
    output: str
    leftover_processes: list[str]


@dataclass(frozen=True)
class InterruptedRun(DemoRun):
    """A first `make up` that was stopped by Ctrl-C, and its state before that."""

    folder: Path
    running: list[str]
    """Process ids before Ctrl-C."""
    second: DemoRun
    """A `make up` in the same folder while the first was running."""
    open_files: list[str]
    """Files that another user might have read while it ran."""


def find_open_files(folder: Path) -> list[str]:
    """Return the folder and the entries in it that others than their owner may use."""
    return [
        f"{path} {path.stat().st_mode:o}"
        for path in (folder, *folder.rglob("*"))
        if path.stat().st_mode & 0o077
    ]


def token_seconds(token: str) -> int:
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims["exp"] - claims["iat"]


@pytest.fixture(scope="module")
def interrupted_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[InterruptedRun]:
    first = UpProcess(tmp_path_factory.mktemp("first") / "var")
    try:
        output = first.read_until("Ctrl-C stops everything")
        running = first.find_leftover_processes()
        open_files = find_open_files(first.folder)
        second = DemoRun(*UpProcess(first.folder, "--once").wait_for_exit(), [])
        os.kill(first.process.pid, signal.SIGINT)
        exit_code, rest = first.wait_for_exit()
        yield InterruptedRun(
            exit_code,
            output + rest,
            first.find_leftover_processes(),
            first.folder,
            running,
            second,
            open_files,
        )
    finally:
        first.end()


@pytest.fixture(scope="module")
def demo_run(interrupted_run: InterruptedRun) -> DemoRun:
    """A `make demo` in the state folder of the interrupted run, made readable for all."""
    for path in (interrupted_run.folder, *interrupted_run.folder.rglob("*")):
        path.chmod(path.stat().st_mode | 0o055)
    process = UpProcess(interrupted_run.folder, "--once")
    return DemoRun(*process.wait_for_exit(), process.find_leftover_processes())


@pytest.fixture
def demo_state_copy(interrupted_run: InterruptedRun, tmp_path: Path) -> None:
    """Copy the state of the interrupted run, so that the network need not be loaded again."""
    shutil.copytree(interrupted_run.folder, tmp_path / "var")


@sqlite_only
@requires_proc
@starts_everything
def test_demo_prints_a_report_and_exits_with_zero(demo_run):
    assert demo_run.exit_code == 0, demo_run.output
    task_id = re.search(r"202: task (\S+)", demo_run.output)[1]
    assert f"GET /tasks/{task_id}: succeeded" in demo_run.output
    assert '"state": "succeeded"' in demo_run.output
    assert demo_run.leftover_processes == []


@sqlite_only
@requires_proc
@starts_everything
def test_ctrl_c_stops_all_processes_and_keeps_the_data(interrupted_run, demo_run):
    assert interrupted_run.exit_code == 0, interrupted_run.output
    assert "Loaded 3 schools" in interrupted_run.output
    assert "202: task" in interrupted_run.output
    assert "Traceback" not in interrupted_run.output
    assert len(interrupted_run.running) > 6
    assert interrupted_run.leftover_processes == []
    assert not (interrupted_run.folder / "redis.url").exists()

    assert demo_run.exit_code == 0, demo_run.output
    assert "The demo network of 1000 students is already loaded" in demo_run.output


@sqlite_only
@starts_everything
def test_first_report_is_made_beside_an_https_address(start_up, demo_state_copy):
    address = {"PUBLIC_URL": "https://reports.example.org", "TRUSTED_PROXIES": "1"}

    exit_code, output = start_up("--once", **address).wait_for_exit()

    assert exit_code == 0, output
    assert '"self": "https://reports.example.org/tasks/' in output


@pytest.mark.guarantee("Files of `make up` are its user's alone.")
@sqlite_only
@starts_everything
def test_files_of_run_are_private(interrupted_run):
    names = {path.name for path in interrupted_run.folder.rglob("*")}

    assert {"school.sqlite3", "web.log", "appendonlydir", "secret_key"} <= names
    assert interrupted_run.open_files == []


@pytest.mark.guarantee("Files of `make up` are its user's alone.")
@sqlite_only
@starts_everything
def test_open_files_of_earlier_run_are_made_private(interrupted_run, demo_run):
    assert demo_run.exit_code == 0, demo_run.output
    assert find_open_files(interrupted_run.folder) == []


@sqlite_only
@starts_everything
def test_token_of_demo_network_is_valid_for_twelve_hours(interrupted_run):
    token = re.search(r"A teacher's token:\s+(\S+)", interrupted_run.output)[1]

    assert token_seconds(token) == 12 * 60 * 60


@sqlite_only
@requires_proc
@starts_everything
def test_sigkill_leaves_no_processes(start_up, demo_state_copy):
    up = start_up()
    up.read_until("Ctrl-C stops everything")

    up.process.kill()
    up.process.wait()

    deadline = time.monotonic() + 30
    while up.find_leftover_processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert up.find_leftover_processes() == []


@sqlite_only
def test_taken_port_is_reported_in_one_line(start_up):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        exit_code, output = start_up(PORT=str(port)).wait_for_exit()

    assert exit_code == 1
    assert output.strip() == (
        f"CommandError: Port {port} is in use: choose another, for example PORT={port + 1}."
    )


@sqlite_only
@starts_everything
def test_second_run_in_same_folder_is_reported_in_one_line(interrupted_run):
    second = interrupted_run.second

    assert second.exit_code == 1
    assert "Another run uses the state folder" in second.output
    assert len(second.output.strip().splitlines()) == 1


@starts_everything
def test_external_redis_and_database_are_used(start_up):
    redis_url = os.environ["TEST_REDIS_URL"].removesuffix("0") + "14"
    external = {"REDIS_URL": redis_url}
    if DATABASE == "postgresql":
        external["DATABASE_URL"] = create_database()
    redis.Redis.from_url(redis_url).flushdb()

    demo = start_up("--once", **external)
    exit_code, output = demo.wait_for_exit()

    assert exit_code == 0, output
    assert not (demo.folder / "valkey").exists()
    assert redis.Redis.from_url(redis_url).keys("celery-task-meta-*")
    assert (demo.folder / "school.sqlite3").exists() == (DATABASE == "sqlite")


@sqlite_only
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (
            "redis://127.0.0.1:1/0",
            "CommandError: No server listens at 127.0.0.1:1. (Error 111 connecting to "
            "127.0.0.1:1. Connection refused.) Start Redis, or correct host and port in "
            "REDIS_URL.",
        ),
        ("redis://h?x=1", "REDIS_URL has the option x, which is not read"),
    ],
)
def test_unusable_redis_is_reported_in_a_sentence_at_once(url, sentence, start_up):
    exit_code, output = start_up(REDIS_URL=url).wait_for_exit()

    assert exit_code == 1
    assert sentence in output.strip().splitlines()[-1]


@starts_everything
def test_existing_database_gets_no_demo_data(start_up, tmp_path):
    """A `make up` on an existing database serves it and loads no demo data."""
    external = {"DATABASE_URL": create_database()} if DATABASE == "postgresql" else {}
    environment = {**os.environ, "VAR_DIR": str(tmp_path / "var"), **external}
    if not external:
        environment.pop("DATABASE_URL")
    for command in ("migrate --verbosity 0", "createsuperuser --no-input"):
        subprocess.run(
            [sys.executable, str(MANAGE_PY), *command.split()],
            env={
                **environment,
                "DJANGO_SUPERUSER_USERNAME": "maria",
                "DJANGO_SUPERUSER_PASSWORD": "secret-enough",
                "DJANGO_SUPERUSER_EMAIL": "maria@example.org",
            },
            check=True,
        )

    up = start_up(**external)
    output = up.read_until("Ctrl-C stops everything")
    client = Client(f"http://127.0.0.1:{up.port}")
    client.log_in("maria", "secret-enough")

    assert "This database was not changed" in output
    assert "202: task" not in output
    assert token_seconds(client.token) == 10 * 60
