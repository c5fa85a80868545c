"""Replacement of stuck workers by the supervisor and the probe, with real processes."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from school.runtime import supervisor as supervisor_module
from school.runtime import worker_probe, worker_status
from school.runtime.process_stat import start_ticks
from school.runtime.supervisor import Supervisor
from school.runtime.worker_status import Status, StatusReader, WorkerStatus

DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(60)"
)
"""Program of a worker that SIGTERM does not end."""
OBEDIENT = "import time; print('up', flush=True); time.sleep(60)"


class Dispatcher:
    """Thread that writes the status of workers, as the dispatcher does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.workers: list[WorkerStatus] = []
        self.watch_seconds = 100.0
        self._stop_event = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop_event.wait(0.1):
            self.write()

    def write(self) -> None:
        worker_status.write_status(
            self.path, Status(list(self.workers), self.watch_seconds)
        )

    def stop(self) -> None:
        self._stop_event.set()
        self._thread.join()


@pytest.fixture
def dispatcher(tmp_path: Path) -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(tmp_path / worker_status.FILE_NAME)
    yield dispatcher
    dispatcher.stop()


@pytest.fixture
def supervisor(tmp_path: Path, dispatcher: Dispatcher) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "log", {}, dispatcher.path)
    yield supervisor
    for process in supervisor.processes.values():
        process.kill()
    supervisor.stop()


@pytest.fixture(autouse=True)
def short_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "STUCK_STOP_SECONDS", 1)
    monkeypatch.setattr(worker_probe, "STUCK_STOP_SECONDS", 1)


def start(supervisor: Supervisor, program: str, name: str = "worker") -> int:
    """Start a process under the supervisor; return its id once it runs its program."""
    supervisor.start(name, [sys.executable, "-c", program])
    wait_until(lambda: "up" in supervisor.log_path(name).read_text())
    return supervisor.processes[name].pid


def report_on(
    process_id: int, idle_seconds: float = 45, **changes: Any
) -> WorkerStatus:
    """Return the status of this process as a worker."""
    values = {
        "name": "reports@host", "host": socket.gethostname(), "pid": process_id,
        "start_ticks": start_ticks(process_id), "idle_seconds": idle_seconds,
    }  # fmt: skip
    return WorkerStatus(**{**values, **changes})


def supervise(supervisor: Supervisor, seconds: float) -> list[str]:
    """Let the supervisor look for some time; return whom it told to stop."""
    names: list[str] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        names += supervisor.replace_stuck()
        time.sleep(0.05)
    return names


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.guarantee("A stuck worker is told to stop, then killed, then replaced.")
@pytest.mark.parametrize(
    ("program", "code"), [(OBEDIENT, -signal.SIGTERM), (DEAF, -signal.SIGKILL)]
)
def test_supervisor_replaces_stuck_worker(supervisor, dispatcher, program, code):
    pid = start(supervisor, program)
    process = supervisor.processes["worker"]
    dispatcher.workers = [report_on(pid)]

    names = supervise(supervisor, 2.5)

    assert names == ["worker"]
    assert process.poll() == code
    supervisor.restart_exited()
    assert supervisor.processes["worker"].pid != pid
    assert supervise(supervisor, 0.5) == []


def test_supervisor_kills_frozen_worker_at_once(supervisor, dispatcher, monkeypatch):
    monkeypatch.setattr(supervisor_module, "STUCK_STOP_SECONDS", 60)
    pid = start(supervisor, OBEDIENT)
    psutil.Process(pid).suspend()
    dispatcher.workers = [report_on(pid)]

    supervise(supervisor, 1)

    assert supervisor.processes["worker"].poll() == -signal.SIGKILL


@pytest.mark.guarantee("Nobody is killed while Redis or the dispatcher is away.")
def test_supervisor_without_dispatcher_stops_nobody(supervisor, dispatcher):
    pid = start(supervisor, OBEDIENT)
    dispatcher.workers = [report_on(pid)]
    dispatcher.stop()
    dispatcher.write()

    assert supervise(supervisor, 1) == []
    assert supervisor.processes["worker"].poll() is None


@pytest.mark.guarantee("A dispatcher that hangs is replaced.")
def test_supervisor_replaces_frozen_dispatcher(supervisor, dispatcher, monkeypatch):
    monkeypatch.setattr(supervisor_module, "SILENT_SECONDS", 1)
    pid = start(supervisor, OBEDIENT, "dispatcher")
    assert supervise(supervisor, 2) == []

    psutil.Process(pid).suspend()
    dispatcher.stop()

    assert supervise(supervisor, 3) == ["dispatcher"]
    assert supervisor.processes["dispatcher"].poll() == -signal.SIGKILL
    supervisor.restart_exited()
    assert supervisor.processes["dispatcher"].pid != pid


def test_supervisor_lets_worker_that_came_to_life_hand_over(supervisor, dispatcher):
    pid = start(supervisor, DEAF)
    dispatcher.workers = [report_on(pid)]
    wait_until(supervisor.replace_stuck)
    dispatcher.workers = [report_on(pid, idle_seconds=0)]
    time.sleep(0.3)

    supervise(supervisor, 1.5)

    assert supervisor.processes["worker"].poll() is None


@pytest.mark.parametrize(
    "changes",
    [{"host": "elsewhere"}, {"start_ticks": 1}, {"pid": 1}, {"idle_seconds": 44.9}],
    ids=str,
)
def test_supervisor_stops_no_other_worker(supervisor, dispatcher, changes):
    pid = start(supervisor, OBEDIENT)
    dispatcher.workers = [report_on(pid, **changes)]

    assert supervise(supervisor, 1) == []


def test_reader_believes_no_file_of_unknown_age(tmp_path):
    path = tmp_path / worker_status.FILE_NAME
    reader = StatusReader(path)
    assert reader.read() is None

    path.write_text("{")
    assert reader.read() is None

    worker_status.write_status(path, Status([], 1))
    assert (reader.read(), reader.read()) == (None, None)

    worker_status.write_status(path, Status([], 2))
    assert reader.read() == Status([], 2)


def test_reader_stops_believing_file_that_is_not_written_again(tmp_path, monkeypatch):
    monkeypatch.setattr(worker_status, "MAX_AGE_SECONDS", 0.2)
    path = tmp_path / worker_status.FILE_NAME
    reader = StatusReader(path)
    for seconds in (1, 2):
        worker_status.write_status(path, Status([], seconds))
        status = reader.read()
    assert status == Status([], 2)

    time.sleep(0.3)

    assert reader.read() is None


def probe(dispatcher: Dispatcher, *options: str) -> int:
    return worker_probe.main([str(dispatcher.path), *options])


def test_probe_of_healthy_worker_succeeds(dispatcher, capsys):
    dispatcher.workers = [report_on(os.getpid(), idle_seconds=40)]

    assert probe(dispatcher) == 0
    assert capsys.readouterr().out == "Healthy: reports@host.\n"


def test_probe_of_stuck_worker_fails_and_stops_nobody(dispatcher, capsys):
    dispatcher.workers = [report_on(os.getpid())]

    assert probe(dispatcher) == 1
    assert capsys.readouterr().out.startswith("Stuck: reports@host took no message")


def test_probe_without_dispatcher_succeeds(tmp_path, capsys):
    assert worker_probe.main([str(tmp_path / "missing.json"), "--replace"]) == 0
    assert capsys.readouterr().out.startswith("Unknown: the dispatcher does not")


@pytest.mark.parametrize(("watch_seconds", "code"), [(44, 0), (45, 1)])
def test_probe_of_host_without_worker_fails_once_it_is_known(
    dispatcher, watch_seconds, code
):
    dispatcher.workers = [report_on(os.getpid(), host="elsewhere")]
    dispatcher.watch_seconds = watch_seconds

    assert probe(dispatcher) == code


@pytest.mark.guarantee("A stuck worker is told to stop, then killed, then replaced.")
@pytest.mark.parametrize("program", [OBEDIENT, DEAF])
@pytest.mark.parametrize("is_frozen", [False, True])
def test_probe_with_replace_ends_stuck_worker(dispatcher, program, is_frozen):
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        if is_frozen:
            psutil.Process(process.pid).suspend()
        dispatcher.workers = [report_on(process.pid)]

        assert probe(dispatcher, "--replace") == 1

        is_killed = is_frozen or program == DEAF
        expected = signal.SIGKILL if is_killed else signal.SIGTERM
        assert process.wait(timeout=5) == -expected


def test_probe_runs_as_a_command_without_settings(dispatcher):
    dispatcher.workers = [report_on(os.getpid(), idle_seconds=0)]
    command = [sys.executable, "-m", "school.runtime.worker_probe"]

    process = subprocess.run(
        [*command, str(dispatcher.path)], capture_output=True, text=True, env={}
    )

    assert (process.returncode, process.stdout) == (0, "Healthy: reports@host.\n")
