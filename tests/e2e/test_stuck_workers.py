"""Workers that live and take nothing: found by the dispatcher, replaced by the supervisor."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from school.runtime import worker_status
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.one_database("the workers' liveness is in Redis"),
    pytest.mark.timeout(300),
]

WORKERS = {
    "worker-reports": "reports",
    "worker-bulk": "reports.bulk",
    "worker-default": "default",
}
QUEUES = set(WORKERS.values())
REPORTS = {
    "worker-reports": {"report": "slow", "parameters": {"seconds": 0.1}},
    "worker-bulk": {"report": "slow_export", "parameters": {"seconds": 0.1}},
}
REPLACEMENT_SECONDS = 60
LOAD_FACTOR = 2
"""The tests share their processors."""


@pytest.fixture
def service(tmp_path) -> Iterator[Stack]:
    """A service of its own, in which workers start and beat at their usual pace."""
    with Stack(tmp_path, LEASE_SECONDS="15") as stack:
        yield stack


def control(stack: Stack, name: str, *command: str) -> None:
    node = f"{WORKERS[name]}@{socket.gethostname()}"
    stack.celery("control", "--destination", node, *command)


def suspend(stack: Stack, name: str, *, is_whole: bool) -> None:
    """Freeze the worker; only the processes of its pool, unless it is whole."""
    main = psutil.Process(stack.supervisor.processes[name].pid)
    for process in [main] * is_whole + main.children(recursive=True):
        process.suspend()


FAULTS: list[dict[str, Callable[[Stack, str], object]]] = [
    {
        "worker-reports": lambda stack, name: control(
            stack, name, "rate_limit", "tasks.generate_report", "1/h"
        ),
        "worker-bulk": lambda stack, name: control(stack, name, "pool_shrink", "1"),
        "worker-default": lambda stack, name: control(
            stack, name, "rate_limit", "tasks.sweep", "1/h"
        ),
    },
    {
        "worker-reports": lambda stack, name: control(
            stack, name, "cancel_consumer", "reports"
        ),
        "worker-bulk": lambda stack, name: suspend(stack, name, is_whole=False),
        "worker-default": lambda stack, name: suspend(stack, name, is_whole=True),
    },
]


@contextmanager
def supervision(stack: Stack, *, replaces_stuck: bool = True) -> Iterator[None]:
    """Let the supervisor do its work in the block, as `make up` does.

    One that replaces no stuck workers only starts those again that exit, as Docker does.
    """
    stop_event = threading.Event()

    def supervise() -> None:
        while not stop_event.wait(0.5):
            stack.supervisor.restart_exited()
            if replaces_stuck:
                stack.supervisor.replace_stuck()

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        yield
    finally:
        stop_event.set()
        thread.join()


def worker_pids(stack: Stack) -> dict[str, int]:
    return {name: stack.supervisor.processes[name].pid for name in WORKERS}


def test_probe_finds_every_worker_healthy(stack: Stack):
    path = stack.folder / worker_status.FILE_NAME

    output = stack.run(sys.executable, "-m", "school.runtime.worker_probe", str(path))

    host = socket.gethostname()
    names = sorted(f"{queue}@{host}" for queue in QUEUES)
    assert output == f"Healthy: {', '.join(names)}.\n"
    workers = json.loads(path.read_text())["workers"]
    assert {worker["pid"] for worker in workers} == set(worker_pids(stack).values())


@pytest.mark.deep("a worker is stuck after 45 s")
@pytest.mark.guarantee("A worker that lives and takes nothing is replaced.")
@pytest.mark.parametrize("faults", FAULTS, ids=["held back", "not taken"])
def test_stuck_workers_are_replaced_and_reports_go_on(service: Stack, faults):
    client = service.as_user("admin")
    before = worker_pids(service)
    for name, fault in faults.items():
        fault(service, name)

    with supervision(service):
        tasks = [client.request_report(REPORTS[name]) for name in REPORTS for _ in "12"]
        done = [
            service.wait_until_final(client, task, REPLACEMENT_SECONDS * LOAD_FACTOR)
            for task in tasks
        ]
        service.wait_until(
            lambda: not before.items() & worker_pids(service).items(),
            seconds=REPLACEMENT_SECONDS,
        )

    assert [(task["state"], task["attempt"]) for task in done] == [("succeeded", 1)] * 4
    log = service.supervisor.log_path("dispatcher").read_text()
    assert log.count('"worker_stuck"') == len(WORKERS)


@pytest.mark.deep("a worker is stuck after 45 s")
@pytest.mark.guarantee("A worker that lives and takes nothing is replaced.")
def test_stuck_worker_is_replaced_by_health_check(service: Stack):
    client = service.as_user("admin")
    before = worker_pids(service)
    control(service, "worker-reports", "cancel_consumer", "reports")
    probe = [
        sys.executable, "-m", "school.runtime.worker_probe", "--replace",
        str(service.folder / worker_status.FILE_NAME),
    ]  # fmt: skip
    codes = []

    with supervision(service, replaces_stuck=False):
        task = client.request_report(REPORTS["worker-reports"])
        while worker_pids(service)["worker-reports"] == before["worker-reports"]:
            process = subprocess.run(probe, env=service.environment, timeout=30)
            codes.append(process.returncode)
            time.sleep(3)
        done = service.wait_until_final(client, task)

    assert (done["state"], done["attempt"]) == ("succeeded", 1)
    assert (codes[0], codes.count(1)) == (0, 1)
    del before["worker-reports"]
    assert before.items() <= worker_pids(service).items()


@pytest.mark.deep("a worker is stuck after 45 s")
@pytest.mark.guarantee("No idle worker is taken for stuck.")
@pytest.mark.guarantee("No worker that makes a long report is taken for stuck.")
def test_busy_and_idle_workers_are_left_alone(service: Stack):
    client = service.as_user("admin")
    before = worker_pids(service)
    long = {"report": "slow", "parameters": {"seconds": 60}}

    with supervision(service):
        tasks = [client.request_report(long) for _ in range(2)]
        tasks.append(client.request_report(REPORTS["worker-reports"]))  # waits for both
        done = [service.wait_until_final(client, task, 150) for task in tasks]

    assert [(task["state"], task["attempt"]) for task in done] == [("succeeded", 1)] * 3
    assert worker_pids(service) == before


@pytest.mark.deep("a worker is stuck after 45 s")
@pytest.mark.guarantee("Nobody is killed while Redis or the dispatcher is away.")
def test_workers_are_left_alone_while_redis_and_dispatcher_are_away(service: Stack):
    client = service.as_user("admin")
    before = worker_pids(service)
    control(service, "worker-reports", "cancel_consumer", "reports")
    task = client.request_report(REPORTS["worker-reports"])
    time.sleep(5)

    with supervision(service):
        redis = psutil.Process(service.valkey.process.pid)
        dispatcher = psutil.Process(service.supervisor.processes["dispatcher"].pid)
        for process in (redis, dispatcher):
            process.suspend()
            time.sleep(50)
            process.resume()
            time.sleep(3)
            assert worker_pids(service) == before
        done = service.wait_until_final(client, task, REPLACEMENT_SECONDS * LOAD_FACTOR)

    assert done["state"] == "succeeded"


@pytest.mark.deep("it waits for new registrations")
def test_workers_register_again_after_their_connections_are_cut(stack: Stack):
    for kind in ("normal", "pubsub"):
        stack.redis.execute_command("CLIENT", "KILL", "TYPE", kind)
    time.sleep(5)
    before = stack.redis.hgetall("workers")

    stack.wait_until(
        lambda: not before.items() & stack.redis.hgetall("workers").items()
    )

    assert len(before) == len(WORKERS)
