"""Standard Celery commands and clients against the running service."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from celery import Celery

from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("Celery's commands use Redis only")

CELERY_TASK_NAMES = {
    "tasks.generate_report", "tasks.run_commands", "tasks.sweep",
}  # fmt: skip
QUEUES = {"default", "reports", "reports.bulk"}
WORKER_NAMES = [f"{queue}@{socket.gethostname()}" for queue in QUEUES]
KEY_FILES = ("secret_key", "jwt_signing_key")
EXPIRE_SCRIPT = """
from tasks import lifecycle
from tasks.models import Task
assert lifecycle.erase(Task.objects.get(pk="{}"))
"""


@pytest.fixture(scope="module")
def client(stack: Stack):
    return stack.as_user("teacher")


@pytest.fixture(scope="module")
def celery(stack: Stack) -> Iterator[Celery]:
    """A foreign Celery application that has only the address of Redis."""
    url = stack.valkey.url
    with Celery(broker=url, backend=url, set_as_current=False) as app:
        yield app


def inspect_workers(
    stack: Stack, command: str, names: Sequence[str] = WORKER_NAMES
) -> dict[str, Any]:
    """Return each worker's reply to an `inspect` command; a foreign application gets none."""
    options = ["--timeout", "15", "--destination", ",".join(names)]
    replies: dict[str, Any] = json.loads(
        stack.celery("inspect", *options, command, "--json")
    )
    return replies


def probe_result(celery: Celery, task) -> list[Any]:
    """Return state, type of result, `ready()` and `successful()` of Celery's `AsyncResult`."""
    result = celery.AsyncResult(task["task_id"])
    name = type(result.result).__name__
    return [result.state, name, result.ready(), result.successful()]


def result_error(stack: Stack, task) -> str:
    """Return the error output of `celery result`, which fails for a task without a result."""
    with pytest.raises(AssertionError) as error_info:
        stack.celery("result", task["task_id"])
    return str(error_info.value)


def test_ping_is_answered_by_every_worker(stack: Stack):
    replies = inspect_workers(stack, "ping")

    assert {name.partition("@")[0] for name in replies} == QUEUES
    assert all(reply == {"ok": "pong"} for reply in replies.values())


def test_every_worker_registers_every_celery_task(stack: Stack):
    replies = inspect_workers(stack, "registered")

    assert all(set(names) == CELERY_TASK_NAMES for names in replies.values())


def test_each_queue_has_its_own_worker(stack: Stack):
    replies = inspect_workers(stack, "active_queues")

    names = {queue["name"] for queues in replies.values() for queue in queues}
    assert names == QUEUES
    assert all(len(queues) == 1 for queues in replies.values())


@pytest.mark.guarantee("No Celery command prints a password or a key.")
def test_configuration_of_workers_shows_no_secret(stack: Stack):
    options = ["--timeout", "15", "--destination", ",".join(WORKER_NAMES)]

    output = stack.celery("inspect", *options, "conf", "--json")

    password = stack.valkey.url.partition("@")[0].rpartition(":")[2]
    keys = [(stack.folder / name).read_text() for name in KEY_FILES]
    assert {name.partition("@")[0] for name in json.loads(output)} == QUEUES
    assert "broker_url" in output
    for secret in (password, *keys):
        assert secret not in output


def test_result_of_succeeded_task_is_success_with_document(
    stack: Stack, celery, client
):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 0.1}})
    done = stack.wait_until_final(client, task)

    assert probe_result(celery, task) == ["SUCCESS", "dict", True, True]
    assert done["result"]["sha256"] in stack.celery("result", task["task_id"])


def test_result_of_running_task_is_started(stack: Stack, celery, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 60}})
    stack.wait_until(
        lambda: client.request("GET", task["links"]["self"])["state"] == "running"
    )

    assert probe_result(celery, task) == ["STARTED", "dict", False, False]
    client.request("POST", task["links"]["cancel"])
    stack.wait_until_final(client, task)


def test_result_of_failed_task_is_failure_with_exception(stack: Stack, celery, client):
    task = client.request_report({"report": "failing", "parameters": {"of": "data"}})
    stack.wait_until_final(client, task)

    assert probe_result(celery, task) == ["FAILURE", "ReportFailed", True, False]
    assert "data_error: Enrolment 7" in result_error(stack, task)


def test_result_of_canceled_task_is_revoked(stack: Stack, celery, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 60}})
    client.request("POST", task["links"]["cancel"])
    stack.wait_until_final(client, task)

    assert probe_result(celery, task)[0] == "REVOKED"
    assert "The task was canceled." in result_error(stack, task)


def test_result_of_expired_task_is_pending(stack: Stack, celery, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 0}})
    stack.wait_until_final(client, task)
    stack.manage("shell", "-c", EXPIRE_SCRIPT.format(task["task_id"]))

    assert probe_result(celery, task)[0] == "PENDING"
    assert client.request("GET", task["links"]["self"])["state"] == "expired"


def test_async_result_get_returns_when_task_ends(stack: Stack, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 2}})
    code = (
        "import sys, school\n"
        "from celery.result import AsyncResult\n"
        "print(AsyncResult(sys.argv[1]).get(timeout=20)['state'])"
    )

    output = stack.run(sys.executable, "-c", code, task["task_id"])

    assert output.strip() == "succeeded"


def test_revoke_of_queued_task_cancels_it(stack: Stack, celery, client):
    slow = {"report": "slow", "parameters": {"seconds": 60}}
    tasks_ahead = [client.request_report(slow) for _ in range(2)]
    task = client.request_report(slow)

    assert probe_result(celery, task)[0] == "PENDING"
    stack.celery("control", "revoke", task["task_id"])
    stack.wait_until(lambda: task["task_id"] in str(inspect_workers(stack, "revoked")))
    for other in tasks_ahead:
        client.request("POST", other["links"]["cancel"])

    # The task is canceled once a worker receives it and sees the revocation.
    assert stack.wait_until_final(client, task)["state"] == "canceled"


def test_worker_without_options_consumes_every_queue(stack: Stack):
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
    worker_process = subprocess.Popen(
        command,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    name = f"plain@{socket.gethostname()}"

    def active_queues():
        with suppress(AssertionError):  # it has not started yet
            return inspect_workers(stack, "active_queues", [name])

    try:
        queues = stack.wait_until(active_queues, seconds=30)[name]
    finally:
        worker_process.terminate()
        worker_process.wait()

    assert {queue["name"] for queue in queues} == QUEUES
