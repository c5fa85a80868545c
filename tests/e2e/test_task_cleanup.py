"""What is left of a task after its end, looked for with the tools of the outside."""

import pytest

from school.runtime.client import ServiceError
from tests.support.stack import Stack


def test_deleted_task_leaves_no_key_in_redis_and_no_file(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "class_performance", "parameters": {"class_id": 1}}
    done = stack.wait_until_final(client, client.request_report(body))
    address, task_id = done["links"]["self"], done["task_id"]
    artifacts = stack.folder / "artifacts"
    assert list(artifacts.rglob(f"*{task_id}*"))
    assert stack.redis.keys(f"*{task_id}*")

    assert client.request("DELETE", address) is None

    assert not list(artifacts.rglob(f"*{task_id}*"))
    assert not stack.redis.keys(f"*{task_id}*")
    for method in ("GET", "DELETE"):
        with pytest.raises(ServiceError, match=r": 410 .*purged"):
            client.request(method, address)
    with pytest.raises(ServiceError, match=": 404 "):
        stack.as_user("admin").request("GET", address)
    assert not stack.redis.keys(f"*{task_id}*")


def test_task_past_its_time_is_swept_by_the_worker(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 0.1}}
    done = stack.wait_until_final(client, client.request_report(body))
    address = done["links"]["self"]
    stack.manage("shell", "-c", AGE_SCRIPT.format(done["task_id"]))

    stack.celery("call", "tasks.sweep", "--queue", "default")
    stack.wait_until(lambda: client.request("GET", address)["state"] == "expired")

    assert client.request("GET", address)["parameters"] == {}
    artifacts = stack.folder / "artifacts"
    assert not list(artifacts.rglob(f"*{done['task_id']}*"))


AGE_SCRIPT = """
from tasks.models import Task
Task.objects.filter(pk="{}").update(expires_at="2020-01-01T00:00:00Z")
"""
