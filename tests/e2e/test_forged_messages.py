"""Messages that the service did not write, in the queues of running workers."""

import base64
import json
import uuid
from typing import Any

import pytest

from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("the messages never reach a row")

QUEUES = ("default", "reports", "reports.bulk")


def build_message(task: str, *args: str, **members: Any) -> dict[str, Any]:
    """Return a message as Celery without the service's key sends it."""
    body = base64.b64encode(json.dumps([args, {}, {}]).encode()).decode()
    return {
        "body": body,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": task, "id": str(uuid.uuid4())},
        "properties": {
            "delivery_info": {"exchange": "", "routing_key": "reports"},
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
        **members,
    }


GARBAGE = [
    b"garbage", b"\xff\xfe", b"", b"5", b"[]", b"null", b"NaN", b'"x"', b"{}",
    b"[" * 100_000, b"9" * 5_000,
    *(
        json.dumps(build_message("tasks.sweep", "canary", **members)).encode()
        for members in (
            {"properties": None}, {"properties": {"delivery_tag": {}}}, {"headers": [1]},
            {"body": 5}, {"body": "%%%"}, {"body": "MQ=="}, {"mac": "0" * 32},
            {"content-type": "application/x-python-serialize"},
            {"headers": {"task": "os.system", "id": "x"}},
            {"headers": {"task": "tasks.sweep", "id": "x", "timelimit": "x"}},
        )
    ),
]  # fmt: skip
WRITE_MISTYPED = {
    "string": lambda redis, key: redis.set(key, "x"),
    "hash": lambda redis, key: redis.hset(key, "a", "b"),
    "sorted set": lambda redis, key: redis.zadd(key, {"a": 1}),
}


TRANSPORT_KEYS = (
    "unacked", "unacked_index", "unacked_mutex", "_kombu.binding.reports",
    "_kombu.binding_permanent.reports", "_kombu.binding_deadlines",
)  # fmt: skip


def worker_pids(stack: Stack) -> dict[str, int]:
    """Return the main process of each worker that runs."""
    processes = stack.supervisor.processes
    return {
        name: process.pid
        for name, process in processes.items()
        if name.startswith("worker-") and process.poll() is None
    }


@pytest.mark.guarantee("A message that the service did not write ends no worker.")
def test_garbage_in_queues_ends_no_worker(stack: Stack):
    pids = worker_pids(stack)
    assert len(pids) == len(QUEUES)

    for queue in QUEUES:
        stack.redis.lpush(queue, *GARBAGE)
    stack.redis.hset("unacked", mapping={"a": b"\xff", "b": b"[]", "c": b"[1,2,3]"})
    stack.redis.zadd("unacked_index", dict.fromkeys("abc", 1))
    stack.wait_until(lambda: not any(map(stack.redis.llen, QUEUES)))
    stack.wait_until(lambda: not stack.redis.hlen("unacked"), seconds=30)

    client = stack.as_user("teacher")
    task = client.request_report({"report": "slow", "parameters": {"seconds": 0}})
    assert stack.wait_until_final(client, task)["state"] == "succeeded"
    assert worker_pids(stack) == pids


@pytest.mark.guarantee("A broadcast that the service did not write reaches no worker.")
def test_garbage_and_forged_broadcasts_are_discarded(stack: Stack):
    pids = worker_pids(stack)
    forged = build_message("x", body=encode({"method": "shutdown", "arguments": {}}))
    ping = {
        "method": "ping",
        "arguments": {},
        "reply_to": {"exchange": "reports", "routing_key": "reports"},
    }
    oracle = build_message("x", body=encode(ping))
    for message in [*GARBAGE, *map(json.dumps, (forged, oracle))]:
        stack.redis.publish("/0.celery.pidbox", message)

    stack.wait_until(lambda: stack.celery("inspect", "ping").count("pong") == 3)

    assert worker_pids(stack) == pids
    client = stack.as_user("teacher")
    task = client.request_report({"report": "slow", "parameters": {"seconds": 0}})
    assert stack.wait_until_final(client, task)["state"] == "succeeded"


def encode(content: Any) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


@pytest.mark.guarantee("Only messages of the service run anything.")
def test_message_without_code_is_not_run(stack: Stack):
    forged = build_message("tasks.generate_report", "canary")
    replayed = build_message("tasks.generate_report", "canary", mac="0" * 32)
    log = stack.supervisor.log_path("worker-reports")
    options = ("--args", '["canary"]', "--queue", "reports")

    stack.redis.lpush("reports", json.dumps(forged), json.dumps(replayed))
    stack.wait_until(lambda: not stack.redis.llen("reports"))
    own_id = stack.celery("call", "tasks.generate_report", *options).strip()

    stack.wait_until(lambda: own_id in log.read_text())
    forged_ids = [message["headers"]["id"] for message in (forged, replayed)]
    assert not [id for id in forged_ids if id in log.read_text()]


@pytest.mark.guarantee("A queue that is replaced by another type of key is repaired.")
@pytest.mark.parametrize("write", WRITE_MISTYPED.values(), ids=WRITE_MISTYPED)
def test_queue_of_another_type_is_repaired(stack: Stack, write):
    pids = worker_pids(stack)
    client = stack.as_user("teacher")
    for key in (*QUEUES, *TRANSPORT_KEYS):
        stack.redis.delete(key)
        write(stack.redis, key)

    task = client.request_report({"report": "slow", "parameters": {"seconds": 0}})

    assert stack.wait_until_final(client, task)["state"] == "succeeded"
    assert worker_pids(stack) == pids


@pytest.mark.guarantee("Keys of another type in Redis keep no worker from starting.")
def test_worker_starts_beside_keys_of_another_type(stack: Stack):
    old = stack.supervisor.processes["worker-reports"]
    stack.redis.delete(*TRANSPORT_KEYS)
    for key in TRANSPORT_KEYS:
        stack.redis.set(key, "x")

    old.kill()
    old.wait()
    stack.start("worker-reports")
    client = stack.as_user("teacher")
    task = client.request_report({"report": "slow", "parameters": {"seconds": 0}})
    done = stack.wait_until_final(client, task)
    new = stack.supervisor.processes["worker-reports"]

    assert done["state"] == "succeeded"
    assert new.poll() is None
    # The new worker itself bound its queue and took the task.
    assert stack.redis.type("_kombu.binding_permanent.reports") == b"set"
