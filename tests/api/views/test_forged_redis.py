"""Garbage under every key that the service uses, of every type that Redis has."""

import itertools
from typing import Any

import pytest

from school.models import User
from tasks import redis_store
from tasks.circuit_breaker import breaker
from tasks.maintenance.dispatcher import Dispatcher
from tasks.redis_store import Rate
from tasks.status import projection
from tests.support.task_factories import create_task_in_state, queue_task, run_task

pytestmark = pytest.mark.django_db

STRINGS = {
    "text": b"garbage",
    "no UTF-8": b"\xff\xfe\x00",
    "empty": b"",
    "huge integer": b"9" * 400,
    "negative": b"-1",
    "not a number": b"nan",
    "infinite": b"inf",
    "JSON of another shape": b'{"meta":[],"result":{}}',
    "huge version": b'{"meta":{"version":999999999,"sequence":0,"state":"x"},"result":{}}',
    "deep JSON": b"[" * 100_000,
}


def set_to(name: str, key: str) -> None:
    """Replace the value of a Redis key with garbage of the named kind."""
    redis = redis_store.client()
    redis.delete(key)
    if name in STRINGS:
        redis.set(key, STRINGS[name])
        return
    write: Any = {
        "list": lambda: redis.rpush(key, "a", b"\xff", "9" * 400, "nan", "5", "{}"),
        "list of infinities": lambda: redis.rpush(key, *["inf"] * 100),
        "hash": lambda: redis.hset(key, "a", "b"),
        "set": lambda: redis.sadd(key, "a"),
        "sorted set": lambda: redis.zadd(key, {"a": 1}),
        "stream": lambda: redis.xadd(key, {"a": "b"}),
        "stream without next id": lambda: redis.xadd(
            key, {"task_id": b"\xff"}, id=f"{2**64 - 1}-{2**64 - 1}"
        ),
    }[name]
    write()


KINDS = [*STRINGS, "list", "list of infinities", "hash", "set", "sorted set", "stream",
         "stream without next id"]  # fmt: skip
LONG_MATRIX = pytest.mark.deep_on_postgresql(
    "the service tells kinds of garbage apart before it reads the rows"
)


def fill_with_garbage(kind: str, task_ids: list[Any], user_ids: list[int]) -> None:
    """Put garbage under the keys of these tasks and users, and all keys there are."""
    redis = redis_store.client()
    names = {key.decode(errors="replace") for key in redis.keys("*")}
    names |= {
        f"{name}:{user_id}"
        for name in ("access-version", "access-version-max", "queue-positions")
        for user_id in user_ids
    }
    names |= {
        f"{name}{task_id}"
        for name in ("celery-task-meta-", "cpu-active:")
        for task_id in task_ids
    }
    for queue in ("default", "reports", "reports.bulk"):
        names |= {queue, f"_kombu.binding.{queue}", f"liveness:{queue}"}
    names |= {
        "task-events", "mirror-epoch", "liveness:dispatcher",
        "unacked", "unacked_index", "unacked_mutex", "workers", "worker-activity",
    }  # fmt: skip
    for name in names:
        set_to(kind, name)


@pytest.fixture
def tasks(teacher: User) -> list[Any]:
    return [
        create_task_in_state(state, teacher)
        for state in ("queued", "running", "succeeded", "failed", "canceled")
    ]


@pytest.fixture(
    params=[KINDS[0], *(pytest.param(kind, marks=LONG_MATRIX) for kind in KINDS[1:])]
)
def garbage_for(request: pytest.FixtureRequest, teacher: User, tasks: list[Any]) -> str:
    """Garbage of one kind under every key, after the service has written its own values."""
    Rate("login-attempts-by-ip", 120, 60).hit("127.0.0.1")
    Dispatcher().tick()
    fill_with_garbage(request.param, [task.pk for task in tasks], [teacher.pk])
    breaker.reset()
    return str(request.param)


@pytest.mark.guarantee("Garbage in Redis changes no answer: the rows answer.")
def test_garbage_under_every_key_changes_no_answer(
    as_user, teacher, tasks, garbage_for
):
    client = as_user(teacher)

    for task in tasks:
        task.refresh_from_db()
        answer = client.get(f"/tasks/{task.pk}")
        assert (answer.status_code, answer.json()["state"]) == (200, task.state)
    items = client.get("/tasks").json()["results"]
    assert {item["task_id"] for item in items} == {str(task.pk) for task in tasks}
    request = {"report": "class_performance", "parameters": {"class_id": 2}}
    assert client.post_json("/reports", request).status_code == 202
    assert client.post_json(f"/tasks/{tasks[1].pk}/cancel").status_code == 202
    login = {"username": "teacher", "password": "demo"}
    assert client.post_json("/auth/token", login).status_code == 200


def test_garbage_under_every_key_makes_no_component_alive(
    as_user, teacher, garbage_for
):
    answer = as_user(teacher).get("/readyz")

    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert {name for name, is_up in checks.items() if is_up} == {
        "database",
        "redis",
        "disk",
    }


@pytest.mark.guarantee(
    "What is wrong in Redis is written anew by polls and the dispatcher."
)
def test_garbage_under_every_key_is_replaced(
    as_user, teacher, tasks, garbage_for, caplog
):
    client, dispatcher = as_user(teacher), Dispatcher()
    caplog.clear()

    for task in tasks:
        assert client.get(f"/tasks/{task.pk}").status_code == 200
    for _ in range(2):
        dispatcher.tick()

    assert not breaker.is_open
    assert not [r for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")]
    for task in tasks:
        task.refresh_from_db()
        cached = redis_store.get_cached_task(task.pk, teacher.pk)
        assert cached.meta.state == task.state
        assert cached.access_version == teacher.access_version
    assert redis_store.get_alive(["dispatcher"]) == {"dispatcher": True}
    assert redis_store.client().type("reports") == b"list"
    assert redis_store.client().type("task-events") == b"stream"


def test_message_lost_to_garbage_is_published_again(
    as_user, teacher, garbage_for, settings
):
    settings.REPUBLISH_AFTER_SECONDS = 0
    request = {"report": "class_performance", "parameters": {"class_id": 2}}
    submitted = as_user(teacher).post_json("/reports", request).json()
    breaker.reset()  # the dispatcher is another process

    Dispatcher().tick()

    assert submitted["task_id"] in redis_store.message_ids("reports")


@pytest.mark.guarantee("A forged grade in Redis is not shown.")
def test_forged_grade_is_not_shown(as_user, teacher):
    task = run_task(teacher)
    client = as_user(teacher)
    before = client.get(f"/tasks/{task.pk}")
    key = f"celery-task-meta-{task.pk}"
    envelope = redis_store.client().get(key)
    grade = b'"mean":"'
    assert grade in envelope

    redis_store.client().set(key, envelope.replace(grade, grade + b"1"))

    after = client.get(f"/tasks/{task.pk}")
    assert (after.content, after["ETag"]) == (before.content, before["ETag"])
    assert (
        redis_store.client().get(key).partition(b',"result":')[2]
        == (envelope.partition(b',"result":')[2])
    )


@pytest.mark.guarantee(
    "A viewer's document cannot be shown to another by way of Redis."
)
def test_document_copied_to_a_task_of_another_viewer_is_not_shown(
    as_user, teacher, stranger
):
    theirs, own = run_task(teacher), queue_task(stranger, {"class_id": 3})
    redis = redis_store.client()
    envelope = redis.get(f"celery-task-meta-{theirs.pk}")
    viewer = f'"viewer_id":{teacher.pk}'.encode()
    assert viewer in envelope
    forged = envelope.replace(viewer, f'"viewer_id":{stranger.pk}'.encode())
    client = as_user(stranger)

    for value, task in itertools.product((envelope, forged), (theirs, own)):
        redis.set(f"celery-task-meta-{task.pk}", value)
        answer = client.get(f"/tasks/{task.pk}")
        expected = 404 if task is theirs else 200
        assert answer.status_code == expected
        assert expected == 404 or answer.json()["state"] == "queued"


def test_forged_access_version_does_not_keep_an_old_right(as_user, teacher):
    task = run_task(teacher)
    client = as_user(teacher)
    assert client.get(f"/tasks/{task.pk}").status_code == 200
    key, old = f"access-version:{teacher.pk}", teacher.access_version
    User.objects.filter(pk=teacher.pk).update(is_active=False, access_version=old + 1)

    redis_store.client().set(key, old)

    assert client.get(f"/tasks/{task.pk}").status_code == 401


def test_conditional_poll_of_a_row_and_of_redis_have_one_etag(as_user, teacher):
    task = run_task(teacher)
    client = as_user(teacher)
    from_redis = client.get(f"/tasks/{task.pk}")["ETag"]
    redis_store.client().delete(f"celery-task-meta-{task.pk}")

    assert client.get(f"/tasks/{task.pk}")["ETag"] == from_redis
    projection.resync_document(task.pk)
    answer = client.get(f"/tasks/{task.pk}", headers={"If-None-Match": from_redis})
    assert answer.status_code == 304
