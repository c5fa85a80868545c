"""What anyone who knows Celery would try."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("Celery's commands look into Redis")

REGISTERED = {
    "tasks.canary", "tasks.generate_report", "tasks.run_commands", "tasks.sweep",
}  # fmt: skip
QUEUES = {"default", "reports", "reports.bulk"}
NAMES = [f"{queue}@{socket.gethostname()}" for queue in QUEUES]


@pytest.fixture(scope="module")
def client(stack: Stack):
    return stack.as_user("teacher")


@pytest.fixture(scope="module")
def celery(stack: Stack) -> Iterator[Celery]:
    """An application of somebody else, who knows no more than the address of Redis."""
    url = stack.valkey.url
    with Celery(broker=url, backend=url, set_as_current=False) as app:
        yield app


def inspect_workers(celery: Celery, command: str) -> dict[str, Any]:
    """What each worker answers: Celery goes on once all have, and by itself waits a second."""
    inspect = celery.control.inspect(NAMES, timeout=15, limit=len(NAMES))
    answers: dict[str, Any] = getattr(inspect, command)()
    return answers


def probe_result(celery: Celery, task) -> list[Any]:
    """What Celery's own result says of the task."""
    found = celery.AsyncResult(task["task_id"])
    name = type(found.result).__name__
    return [found.state, name, found.ready(), found.successful()]


def result_error(stack: Stack, task) -> str:
    """What `celery result` says of a task that has none: it raises, as Celery does."""
    with pytest.raises(AssertionError) as caught:
        stack.celery("result", task["task_id"])
    return str(caught.value)


def test_every_worker_answers_a_ping(stack: Stack):
    to_all = ["--timeout", "15", "--destination", ",".join(NAMES)]

    answers = json.loads(stack.celery("inspect", *to_all, "ping", "--json"))

    assert {name.partition("@")[0] for name in answers} == QUEUES
    assert all(answer == {"ok": "pong"} for answer in answers.values())


def test_every_worker_knows_every_task(celery: Celery):
    answers = inspect_workers(celery, "registered")

    assert all(set(names) == REGISTERED for names in answers.values())


def test_each_queue_has_a_worker_of_its_own(celery: Celery):
    answers = inspect_workers(celery, "active_queues")

    served = {queue["name"] for queues in answers.values() for queue in queues}
    assert served == QUEUES
    assert all(len(queues) == 1 for queues in answers.values())


def test_succeeded_task_is_success_with_the_document(stack: Stack, celery, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 0.1}})
    done = stack.wait_until_final(client, task)

    assert probe_result(celery, task) == ["SUCCESS", "dict", True, True]
    said = stack.celery("result", task["task_id"])
    assert done["result"]["sha256"] in said


def test_running_task_is_started(stack: Stack, celery, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 60}})
    stack.wait_until(
        lambda: client.request("GET", task["links"]["self"])["state"] == "running"
    )

    assert probe_result(celery, task) == ["STARTED", "dict", False, False]
    client.request("POST", task["links"]["cancel"])
    stack.wait_until_final(client, task)


def test_failed_task_is_failure_with_an_exception(stack: Stack, celery, client):
    task = client.request_report({"report": "failing", "parameters": {"of": "data"}})
    stack.wait_until_final(client, task)

    assert probe_result(celery, task) == ["FAILURE", "ReportFailed", True, False]
    assert "data_error: Enrolment 7" in result_error(stack, task)


def test_canceled_task_is_revoked(stack: Stack, celery, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 60}})
    client.request("POST", task["links"]["cancel"])
    stack.wait_until_final(client, task)

    assert probe_result(celery, task)[0] == "REVOKED"
    assert "The task was canceled." in result_error(stack, task)


def test_expired_task_is_pending_as_any_result_that_is_gone(
    stack: Stack, celery, client
):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 0}})
    stack.wait_until_final(client, task)
    stack.manage("shell", "-c", EXPIRE_SCRIPT.format(task["task_id"]))

    assert probe_result(celery, task)[0] == "PENDING"
    assert client.request("GET", task["links"]["self"])["state"] == "expired"


EXPIRE_SCRIPT = """
from tasks import lifecycle
from tasks.models import Task
assert lifecycle.expire(Task.objects.get(pk="{}"))
"""


def test_waiting_in_celery_s_own_way_ends_with_the_task(stack: Stack, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 2}})
    code = (
        "import sys, school\n"
        "from celery.result import AsyncResult\n"
        "print(AsyncResult(sys.argv[1]).get(timeout=20)['state'])"
    )

    said = stack.run(sys.executable, "-c", code, task["task_id"])

    assert said.strip() == "succeeded"


def test_queued_task_is_pending_and_revoking_it_by_hand_is_a_cancel(
    stack: Stack, celery, client
):
    slow = {"report": "slow", "parameters": {"seconds": 60}}
    ahead = [client.request_report(slow) for _ in range(2)]
    task = client.request_report(slow)

    assert probe_result(celery, task)[0] == "PENDING"
    stack.celery("control", "revoke", task["task_id"])
    stack.wait_until(lambda: task["task_id"] in str(inspect_workers(celery, "revoked")))
    for other in ahead:
        client.request("POST", other["links"]["cancel"])

    # Once a worker takes it, and finds that out.
    assert stack.wait_until_final(client, task)["state"] == "canceled"


def test_worker_without_options_serves_every_queue(stack: Stack, celery: Celery):
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "school",
        "worker",
        "-n",
        "plain@%h",
    ]
    plain = subprocess.Popen(
        command,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    name = f"plain@{socket.gethostname()}"
    inspect = celery.control.inspect([name], timeout=1, limit=1)
    try:
        served = stack.wait_until(inspect.active_queues, seconds=30)[name]
    finally:
        plain.terminate()
        plain.wait()

    assert {queue["name"] for queue in served} == {"default", "reports", "reports.bulk"}
