"""Workers that are stopped, frozen, or blocked by their own reports."""

import os
import signal
import time

import psutil
import pytest

from tests.support.stack import LEASE_SECONDS, Stack


@pytest.fixture
def client(stack: Stack):
    return stack.as_user("teacher")


def start_report(stack: Stack, client, seconds: float):
    """Submit a report and wait until it is running."""
    body = {"report": "slow", "parameters": {"seconds": seconds}}
    task = client.request_report(body)
    stack.wait_until(lambda: get_state(client, task) == "running")
    return task


def get_state(client, task) -> str:
    return client.request("GET", task["links"]["self"])["state"]


def pool_processes(stack: Stack) -> list[psutil.Process]:
    return psutil.Process(stack.supervisor.processes["worker-reports"].pid).children()


@pytest.mark.guarantee("A worker that is told to stop hands over its tasks.")
def test_sigterm_of_worker_releases_unfinished_tasks(stack: Stack, client):
    short, long = start_report(stack, client, 1), start_report(stack, client, 6)
    worker = stack.supervisor.processes["worker-reports"]

    os.kill(worker.pid, signal.SIGTERM)
    worker.wait(timeout=15)
    short_state = get_state(client, short)
    released = client.request("GET", long["links"]["self"])
    stack.start("worker-reports")

    assert short_state == "succeeded"
    assert (released["state"], released["attempt"]) == ("queued", 0)
    done = stack.wait_until_final(client, long, seconds=30)
    assert (done["state"], done["attempt"]) == ("succeeded", 1)


@pytest.mark.guarantee("A worker that is told to stop hands over its tasks.")
def test_sigterm_of_pool_process_releases_its_task(stack: Stack, client):
    task = start_report(stack, client, 4)

    for process in pool_processes(stack):
        process.send_signal(signal.SIGTERM)
    done = stack.wait_until_final(client, task, seconds=30)

    assert (done["state"], done["attempt"]) == ("succeeded", 1)


@pytest.mark.parametrize("whole", [True, False], ids=["worker", "pool process"])
def test_late_result_of_frozen_worker_is_discarded(stack: Stack, client, whole):
    task = start_report(stack, client, 3)
    worker = stack.supervisor.processes["worker-reports"]
    main = [psutil.Process(worker.pid)] if whole else []
    with stack.suspend_between_writes([*main, *pool_processes(stack)]):
        stack.wait_until(
            lambda: get_state(client, task) == "queued", seconds=LEASE_SECONDS + 9
        )
        stack.redis.delete(f"celery-task-meta-{task['task_id']}")
    done = stack.wait_until_final(client, task, seconds=40)

    assert (done["state"], done["attempt"]) == ("succeeded", 2)
    files = list((stack.folder / "artifacts").rglob(f"*{task['task_id']}*"))
    assert len(files) == 1


@pytest.mark.guarantee("A report that holds Python's lock is not taken for lost.")
def test_report_holding_the_gil_times_out_without_retry(stack: Stack, client):
    started_at = time.monotonic()
    task = client.request_report({"report": "stuck_in_c"})

    done = stack.wait_until_final(client, task, seconds=40)

    assert (done["state"], done["attempt"]) == ("failed", 1)
    assert done["error"]["code"] == "timeout"
    assert time.monotonic() - started_at < 20


@pytest.mark.deep("it waits for the time limit of its report")
@pytest.mark.guarantee("A report that holds Python's lock is not taken for lost.")
def test_report_holding_the_gil_times_out_while_its_worker_stops(stack: Stack, client):
    task = client.request_report({"report": "stuck_in_c"})
    stack.wait_until(lambda: get_state(client, task) == "running")

    stack.supervisor.processes["worker-reports"].send_signal(signal.SIGTERM)
    done = stack.wait_until_final(client, task, seconds=40)
    stack.supervisor.processes["worker-reports"].wait(timeout=20)
    stack.start("worker-reports")

    assert (done["state"], done["attempt"]) == ("failed", 1)
    assert done["error"]["code"] == "timeout"


def test_report_over_memory_limit_harms_no_other(stack: Stack, client):
    other = start_report(stack, client, 2)

    done = stack.wait_until_final(client, client.request_report({"report": "hungry"}))

    assert (done["state"], done["attempt"]) == ("failed", 1)
    assert done["error"]["code"] == "memory_limit"
    assert stack.wait_until_final(client, other)["attempt"] == 1
