"""What anyone who knows Celery would try."""

import json
import socket
import subprocess
import sys
from typing import Any

import pytest

from tests.stack import Stack

pytestmark = pytest.mark.one_database("Celery's commands look into Redis")

REGISTERED = {
    "tasks.canary", "tasks.generate_report", "tasks.run_commands", "tasks.sweep",
}  # fmt: skip
QUEUES = {"default", "reports", "reports.bulk"}
PROBE = """
import sys
from celery.result import AsyncResult
import school
found = AsyncResult(sys.argv[1])
result = found.result
print(found.state, type(result).__name__, found.ready(), found.successful())
"""


@pytest.fixture(scope="module")
def client(stack: Stack):
    return stack.as_user("teacher")


def inspected(stack: Stack, what: str) -> dict[str, Any]:
    """What each worker answers: Celery goes on once all have, and by itself waits a second."""
    names = [f"{queue}@{socket.gethostname()}" for queue in QUEUES]
    to_all = ["--timeout", "15", "--destination", ",".join(names)]
    answers: dict[str, Any] = json.loads(
        stack.celery("inspect", *to_all, what, "--json")
    )
    return answers


def probed(stack: Stack, task) -> list[str]:
    return stack.run(sys.executable, "-c", PROBE, task["task_id"]).split()


def refused(stack: Stack, task) -> str:
    """What `celery result` says of a task that has none: it raises, as Celery does."""
    with pytest.raises(AssertionError) as raised:
        stack.celery("result", task["task_id"])
    return str(raised.value)


def test_every_worker_answers_a_ping(stack: Stack):
    answers = inspected(stack, "ping")

    assert {name.partition("@")[0] for name in answers} == QUEUES
    assert all(answer == {"ok": "pong"} for answer in answers.values())


def test_every_worker_knows_every_task(stack: Stack):
    answers = inspected(stack, "registered")

    assert all(set(names) == REGISTERED for names in answers.values())


def test_each_queue_has_a_worker_of_its_own(stack: Stack):
    answers = inspected(stack, "active_queues")

    served = {queue["name"] for queues in answers.values() for queue in queues}
    assert served == QUEUES
    assert all(len(queues) == 1 for queues in answers.values())


def test_succeeded_task_is_success_with_the_document(stack: Stack, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 0.1}})
    done = stack.finished(client, task)

    assert probed(stack, task) == ["SUCCESS", "dict", "True", "True"]
    said = stack.celery("result", task["task_id"])
    assert done["result"]["sha256"] in said


def test_running_task_is_started(stack: Stack, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 60}})
    stack.wait(lambda: client.ask("GET", task["links"]["self"])["state"] == "running")

    assert probed(stack, task) == ["STARTED", "dict", "False", "False"]
    client.ask("POST", task["links"]["cancel"])
    stack.finished(client, task)


def test_failed_task_is_failure_with_an_exception(stack: Stack, client):
    task = client.request_report({"report": "failing", "parameters": {"of": "data"}})
    stack.finished(client, task)

    assert probed(stack, task) == ["FAILURE", "ReportFailed", "True", "False"]
    assert "data_error: Enrolment 7" in refused(stack, task)


def test_canceled_task_is_revoked(stack: Stack, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 60}})
    client.ask("POST", task["links"]["cancel"])
    stack.finished(client, task)

    assert probed(stack, task)[0] == "REVOKED"
    assert "The task was canceled." in refused(stack, task)


def test_expired_task_is_pending_as_any_result_that_is_gone(stack: Stack, client):
    task = client.request_report({"report": "slow", "parameters": {"seconds": 0}})
    stack.finished(client, task)
    stack.manage("shell", "-c", EXPIRE.format(task["task_id"]))

    assert probed(stack, task)[0] == "PENDING"
    assert client.ask("GET", task["links"]["self"])["state"] == "expired"


EXPIRE = """
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
    stack: Stack, client
):
    slow = {"report": "slow", "parameters": {"seconds": 60}}
    ahead = [client.request_report(slow) for _ in range(2)]
    task = client.request_report(slow)

    assert probed(stack, task)[0] == "PENDING"
    stack.celery("control", "revoke", task["task_id"])
    stack.wait(lambda: task["task_id"] in str(inspected(stack, "revoked")))
    for other in ahead:
        client.ask("POST", other["links"]["cancel"])

    # Once a worker takes it, and finds that out.
    assert stack.finished(client, task)["state"] == "canceled"


def test_worker_without_options_serves_every_queue(stack: Stack):
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
    try:

        def queues():
            answers = stack.celery("inspect", "active_queues", "--json")
            return next(
                (q for n, q in json.loads(answers).items() if n.startswith("plain@")),
                None,
            )

        served = stack.wait(queues, seconds=30)
    finally:
        plain.terminate()
        plain.wait()

    assert {queue["name"] for queue in served} == {"default", "reports", "reports.bulk"}
