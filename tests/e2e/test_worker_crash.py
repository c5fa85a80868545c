"""Reports whose worker, pool process, dispatcher or Redis is lost."""

import os
import signal

import psutil
import pytest

from school.runtime.supervisor import kill_process_group
from tests.support.stack import LEASE_SECONDS, Stack


def test_killed_pool_process_is_replaced_and_report_succeeds(stack: Stack, tmp_path):
    client = stack.as_user("teacher")
    parameters = {"tally": str(tmp_path / "deaths"), "times": 1}

    task = client.request_report({"report": "killer", "parameters": parameters})
    done = stack.wait_until_final(client, task, seconds=30)

    assert (done["state"], done["attempt"]) == ("succeeded", 2)
    assert done["result"]["data"] == [{"deaths": 1}]
    assert done["task_id"] == task["task_id"]


def test_killed_worker_loses_no_report(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 4}}
    task = client.request_report(body)
    stack.wait_until(
        lambda: client.request("GET", task["links"]["self"])["state"] == "running"
    )

    kill_process_group(stack.supervisor.processes["worker-reports"])
    stack.start("worker-reports")
    done = stack.wait_until_final(client, task, seconds=LEASE_SECONDS + 30)

    assert (done["state"], done["attempt"]) == ("succeeded", 2)
    assert done["result"]["rows"] == 80
    files = list((stack.folder / "artifacts").rglob(f"{task['task_id']}*"))
    assert len(files) == 1


@pytest.mark.guarantee(
    "A report that kills its worker fails after a bounded number of attempts."
)
def test_report_killing_every_worker_fails_as_worker_lost(stack: Stack, tmp_path):
    client = stack.as_user("teacher")
    parameters = {"tally": str(tmp_path / "deaths"), "times": 99}

    task = client.request_report({"report": "killer", "parameters": parameters})
    done = stack.wait_until_final(client, task, seconds=60)

    assert (done["state"], done["attempt"]) == ("failed", 3)
    assert done["error"]["code"] == "worker_lost"
    assert (tmp_path / "deaths").stat().st_size == 3


@pytest.mark.guarantee(
    "A report that hangs ends as a timeout, and its process is killed."
)
def test_hanging_report_times_out_and_its_process_is_killed(stack: Stack):
    client = stack.as_user("teacher")
    worker = psutil.Process(stack.supervisor.processes["worker-reports"].pid)
    children = {child.pid for child in worker.children()}

    done = stack.wait_until_final(client, client.request_report({"report": "hanging"}))

    assert (done["state"], done["attempt"]) == ("failed", 1)
    assert done["error"]["code"] == "timeout"
    stack.wait_until(
        lambda: {child.pid for child in worker.children()} != children, seconds=30
    )


def test_report_without_dispatcher_succeeds(stack: Stack):
    client = stack.as_user("teacher")
    os.kill(stack.supervisor.processes["dispatcher"].pid, signal.SIGKILL)
    stack.supervisor.processes["dispatcher"].wait()

    done = stack.wait_until_final(
        client, client.request_report({"report": "slow", "parameters": {"seconds": 0.1}})
    )  # fmt: skip
    stack.start("dispatcher")

    assert done["state"] == "succeeded"


def test_flushed_redis_loses_no_report(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 2}}
    tasks = [client.request_report(body) for _ in range(4)]

    stack.redis.flushall()

    states = {
        stack.wait_until_final(client, task, seconds=40)["state"] for task in tasks
    }
    assert states == {"succeeded"}
