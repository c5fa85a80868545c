"""`make up` as a newcomer meets it: the command itself, its ends and its complaints."""

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

from school.runtime.embedded_redis import free_port
from school.runtime.processes import MANAGE_PY
from tests.support.environment import DATABASE
from tests.support.stack import create_database

sqlite_only = pytest.mark.skipif(
    DATABASE != "sqlite", reason="without a DATABASE_URL it is SQLite: once is enough"
)

requires_proc = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="what is left over is looked for in /proc"
)

starts_everything = pytest.mark.deep("it starts the whole service, and loads a network")


class UpProcess:
    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        ignored_prefixes = ("DATABASE_URL", "REDIS_URL", "REPORT_PACKAGES", "TEST_")
        inherited_env = {
            n: v for n, v in os.environ.items() if not n.startswith(ignored_prefixes)
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
        """The processes that still know this state folder."""
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
    """A run that has ended: its code, its words, and the processes that it left."""

    exit_code: int
    output: str
    leftover_processes: list[str]


@dataclass(frozen=True)
class Interrupted(DemoRun):
    """A first `make up` that Ctrl-C has stopped, and what was there before that."""

    folder: Path
    running: list[str]
    """Its processes."""
    second: DemoRun
    """Another `make up` in the same folder at the same time."""


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interrupted]:
    one = UpProcess(tmp_path_factory.mktemp("first") / "var")
    try:
        said = one.read_until("Ctrl-C stops everything")
        running = one.find_leftover_processes()
        second = DemoRun(*UpProcess(one.folder, "--once").wait_for_exit(), [])
        os.kill(one.process.pid, signal.SIGINT)
        code, rest = one.wait_for_exit()
        yield Interrupted(
            code,
            said + rest,
            one.find_leftover_processes(),
            one.folder,
            running,
            second,
        )
    finally:
        one.end()


@pytest.fixture(scope="module")
def demo_run(interrupted: Interrupted) -> DemoRun:
    """`make demo` in the folder that the first has left."""
    process = UpProcess(interrupted.folder, "--once")
    return DemoRun(*process.wait_for_exit(), process.find_leftover_processes())


@pytest.fixture
def copy_demo_state(interrupted: Interrupted, tmp_path: Path) -> None:
    """What the first has left: only that one has to load the network."""
    shutil.copytree(interrupted.folder, tmp_path / "var")


@sqlite_only
@requires_proc
@starts_everything
def test_demo_shows_a_report_and_ends_well(demo_run):
    assert demo_run.exit_code == 0, demo_run.output
    task_id = re.search(r"202: task (\S+)", demo_run.output)[1]
    assert f"GET /tasks/{task_id}: succeeded" in demo_run.output
    assert '"state": "succeeded"' in demo_run.output
    assert demo_run.leftover_processes == []


@sqlite_only
@requires_proc
@starts_everything
def test_ctrl_c_stops_everything_and_the_data_is_found_again(interrupted, demo_run):
    assert interrupted.code == 0, interrupted.said
    assert "Loaded 3 schools" in interrupted.said
    assert "202: task" in interrupted.said
    assert "Traceback" not in interrupted.said
    assert len(interrupted.running) > 6
    assert interrupted.left_over == []
    assert not (interrupted.folder / "redis.url").exists()

    assert demo_run.exit_code == 0, demo_run.output
    assert "The demo network of 1000 students is there" in demo_run.output


@sqlite_only
@requires_proc
@starts_everything
def test_killed_without_warning_it_leaves_nothing_behind(start_up, copy_demo_state):
    one = start_up()
    one.read_until("Ctrl-C stops everything")

    one.process.kill()
    one.process.wait()

    deadline = time.monotonic() + 30
    while one.find_leftover_processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert one.find_leftover_processes() == []


@sqlite_only
def test_port_that_is_taken_is_explained_in_a_sentence(start_up):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, said = start_up(PORT=str(port)).wait_for_exit()

    assert code == 1
    assert said.strip() == (
        f"CommandError: Port {port} is taken: choose another, for example PORT={port + 1}."
    )


@sqlite_only
@starts_everything
def test_second_one_in_the_same_folder_is_explained_in_a_sentence(interrupted):
    second = interrupted.second

    assert second.code == 1
    assert "Another one is running" in second.said
    assert len(second.said.strip().splitlines()) == 1


@starts_everything
def test_given_redis_and_database_are_used(start_up):
    redis_url = os.environ["TEST_REDIS_URL"].removesuffix("0") + "14"
    given = {"REDIS_URL": redis_url}
    if DATABASE == "postgresql":
        given["DATABASE_URL"] = create_database()
    redis.Redis.from_url(redis_url).flushdb()

    demo = start_up("--once", **given)
    code, said = demo.wait_for_exit()

    assert code == 0, said
    assert not (demo.folder / "valkey").exists()
    assert redis.Redis.from_url(redis_url).keys("celery-task-meta-*")
    assert (demo.folder / "school.sqlite3").exists() == (DATABASE == "sqlite")


@starts_everything
def test_database_of_somebody_is_left_alone(start_up, tmp_path):
    """`make up` on real data serves it, and loads no demo into it."""
    given = {"DATABASE_URL": create_database()} if DATABASE == "postgresql" else {}
    environment = {**os.environ, "VAR_DIR": str(tmp_path / "var"), **given}
    if not given:
        environment.pop("DATABASE_URL")
    for code in ("migrate --verbosity 0", "createsuperuser --no-input"):
        subprocess.run(
            [sys.executable, str(MANAGE_PY), *code.split()],
            env={
                **environment,
                "DJANGO_SUPERUSER_USERNAME": "maria",
                "DJANGO_SUPERUSER_PASSWORD": "secret-enough",
                "DJANGO_SUPERUSER_EMAIL": "maria@example.org",
            },
            check=True,
        )

    one = start_up(**given)
    said = one.read_until("Ctrl-C stops everything")

    assert "This database is left alone" in said
    assert "202: task" not in said
