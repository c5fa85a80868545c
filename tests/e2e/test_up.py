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
from tests.support.stack import new_database

brings_its_own = pytest.mark.skipif(
    DATABASE != "sqlite", reason="without a DATABASE_URL it is SQLite: once is enough"
)

sees_processes = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="what is left over is looked for in /proc"
)

starts_everything = pytest.mark.deep("it starts the whole service, and loads a network")


class Up:
    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        strange = ("DATABASE_URL", "REDIS_URL", "REPORT_PACKAGES", "TEST_")
        kept = {n: v for n, v in os.environ.items() if not n.startswith(strange)}
        self.folder = folder
        self.port = environment.setdefault("PORT", str(free_port()))
        self.process = subprocess.Popen(
            [sys.executable, str(MANAGE_PY), "up", *options],
            env={**kept, "VAR_DIR": str(folder), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def said_until(self, words: str) -> str:
        said = ""
        for line in self.process.stdout:
            said += line
            if words in line:
                return said
        raise AssertionError(said)

    def ends(self) -> tuple[int, str]:
        said, _ = self.process.communicate(timeout=100)
        return self.process.returncode, said

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def left_over(self) -> list[str]:
        """The processes that still know this state folder."""
        mark = f"VAR_DIR={self.folder}".encode()
        config = str(self.folder).encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                about = (entry / "environ").read_bytes() + (
                    entry / "cmdline"
                ).read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if (mark in about or config in about) and state != "Z":
                found.append(entry.name)
        return found


@pytest.fixture
def up(tmp_path: Path) -> Iterator:
    started: list[Up] = []

    def start(*options: str, **environment: str) -> Up:
        started.append(Up(tmp_path / "var", *options, **environment))
        return started[-1]

    yield start
    for one in started:
        one.end()


@dataclass(frozen=True)
class Ended:
    """A run that has ended: its code, its words, and the processes that it left."""

    code: int
    said: str
    left_over: list[str]


@dataclass(frozen=True)
class Interrupted(Ended):
    """A first `make up` that Ctrl-C has stopped, and what was there before that."""

    folder: Path
    running: list[str]
    """Its processes."""
    second: Ended
    """Another `make up` in the same folder at the same time."""


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interrupted]:
    one = Up(tmp_path_factory.mktemp("first") / "var")
    try:
        said = one.said_until("Ctrl-C stops everything")
        running = one.left_over()
        second = Ended(*Up(one.folder, "--once").ends(), [])
        os.kill(one.process.pid, signal.SIGINT)
        code, rest = one.ends()
        yield Interrupted(
            code, said + rest, one.left_over(), one.folder, running, second
        )
    finally:
        one.end()


@pytest.fixture(scope="module")
def demo(interrupted: Interrupted) -> Ended:
    """`make demo` in the folder that the first has left."""
    one = Up(interrupted.folder, "--once")
    return Ended(*one.ends(), one.left_over())


@pytest.fixture
def loaded(interrupted: Interrupted, tmp_path: Path) -> None:
    """What the first has left: only that one has to load the network."""
    shutil.copytree(interrupted.folder, tmp_path / "var")


@brings_its_own
@sees_processes
@starts_everything
def test_demo_shows_a_report_and_ends_well(demo):
    assert demo.code == 0, demo.said
    task_id = re.search(r"202: task (\S+)", demo.said)[1]
    assert f"GET /tasks/{task_id}: succeeded" in demo.said
    assert '"state": "succeeded"' in demo.said
    assert demo.left_over == []


@brings_its_own
@sees_processes
@starts_everything
def test_ctrl_c_stops_everything_and_the_data_is_found_again(interrupted, demo):
    assert interrupted.code == 0, interrupted.said
    assert "Loaded 3 schools" in interrupted.said
    assert "202: task" in interrupted.said
    assert "Traceback" not in interrupted.said
    assert len(interrupted.running) > 6
    assert interrupted.left_over == []
    assert not (interrupted.folder / "redis.url").exists()

    assert demo.code == 0, demo.said
    assert "The demo network of 1000 students is there" in demo.said


@brings_its_own
@sees_processes
@starts_everything
def test_killed_without_warning_it_leaves_nothing_behind(up, loaded):
    one = up()
    one.said_until("Ctrl-C stops everything")

    one.process.kill()
    one.process.wait()

    deadline = time.monotonic() + 30
    while one.left_over() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert one.left_over() == []


@brings_its_own
def test_port_that_is_taken_is_explained_in_a_sentence(up):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, said = up(PORT=str(port)).ends()

    assert code == 1
    assert said.strip() == (
        f"CommandError: Port {port} is taken: choose another, for example PORT={port + 1}."
    )


@brings_its_own
@starts_everything
def test_second_one_in_the_same_folder_is_explained_in_a_sentence(interrupted):
    second = interrupted.second

    assert second.code == 1
    assert "Another one is running" in second.said
    assert len(second.said.strip().splitlines()) == 1


@starts_everything
def test_given_redis_and_database_are_used(up):
    redis_url = os.environ["TEST_REDIS_URL"].removesuffix("0") + "14"
    given = {"REDIS_URL": redis_url}
    if DATABASE == "postgresql":
        given["DATABASE_URL"] = new_database()
    redis.Redis.from_url(redis_url).flushdb()

    demo = up("--once", **given)
    code, said = demo.ends()

    assert code == 0, said
    assert not (demo.folder / "valkey").exists()
    assert redis.Redis.from_url(redis_url).keys("celery-task-meta-*")
    assert (demo.folder / "school.sqlite3").exists() == (DATABASE == "sqlite")


@starts_everything
def test_database_of_somebody_is_left_alone(up, tmp_path):
    """`make up` on real data serves it, and loads no demo into it."""
    given = {"DATABASE_URL": new_database()} if DATABASE == "postgresql" else {}
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

    one = up(**given)
    said = one.said_until("Ctrl-C stops everything")

    assert "This database is left alone" in said
    assert "202: task" not in said
