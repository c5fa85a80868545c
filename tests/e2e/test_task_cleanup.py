"""Files and Redis keys of deleted and expired tasks."""

import pytest

from school.runtime.client import ServiceError
from tests.support.stack import Stack


def test_deleted_task_leaves_no_key_in_redis_and_no_file(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "class_performance", "parameters": {"class_id": 1}}
    done = stack.wait_until_final(client, client.request_report(body))
    path, task_id = done["links"]["self"], done["task_id"]
    artifacts = stack.folder / "artifacts"
    assert list(artifacts.rglob(f"*{task_id}*"))
    assert stack.redis.keys(f"*{task_id}*")

    assert client.request("DELETE", path) is None

    assert not list(artifacts.rglob(f"*{task_id}*"))
    assert not stack.redis.keys(f"*{task_id}*")
    for method in ("GET", "DELETE"):
        with pytest.raises(ServiceError, match=r": 410 .*purged"):
            client.request(method, path)
    with pytest.raises(ServiceError, match=": 404 "):
        stack.as_user("admin").request("GET", path)
    assert not stack.redis.keys(f"*{task_id}*")


def test_task_past_its_retention_expires_by_the_sweep(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 0.1}}
    done = stack.wait_until_final(client, client.request_report(body))
    path = done["links"]["self"]
    stack.manage("shell", "-c", AGE_SCRIPT.format(done["task_id"]))

    stack.celery("call", "tasks.sweep", "--queue", "default")
    stack.wait_until(lambda: client.request("GET", path)["state"] == "expired")

    assert client.request("GET", path)["parameters"] == {}
    artifacts = stack.folder / "artifacts"
    assert not list(artifacts.rglob(f"*{done['task_id']}*"))


AGE_SCRIPT = """
from tasks.models import Task
Task.objects.filter(pk="{}").update(expires_at="2020-01-01T00:00:00Z")
"""
