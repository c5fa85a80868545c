"""Submission, publishing and polling while Redis is refused or frozen."""

import os
import time

import pytest

from school.runtime.embedded_redis import EmbeddedRedis
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.maintenance.dispatcher import Dispatcher
from tasks.scheduling import broker, outbox
from tasks.status import reader
from tests.support.redis_monitor import monitor_commands
from tests.support.redis_servers import start_server
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db


def test_publish_sends_one_command_without_subscribing(settings):
    for _ in range(3):  # connect and declare the queue on each connection
        broker.send_task("tasks.generate_report", broker.CANARY, queue="reports")

    with monitor_commands(settings.REDIS_URL) as commands:
        broker.send_task("tasks.generate_report", broker.CANARY, queue="reports")

    assert [command.split()[0] for command in commands] == ["LPUSH"]


@pytest.mark.guarantee("Publishing to an unavailable broker fails at once.")
def test_publish_to_stopped_redis_fails_within_a_second(tmp_path, point_redis_at):
    server = EmbeddedRedis(tmp_path)
    point_redis_at(server.start())
    broker.send_task("tasks.generate_report", broker.CANARY, queue="reports")
    server.stop()

    for _ in range(2):
        breaker.reset()
        started_at = time.monotonic()
        with pytest.raises(RedisUnavailable):
            broker.send_task("tasks.generate_report", broker.CANARY, queue="reports")
        assert time.monotonic() - started_at < 1


@pytest.mark.parametrize("away", ["redis_down", "redis_unresponsive"])
def test_submission_without_redis_takes_under_a_second(request, teacher, away):
    request.getfixturevalue(away)
    started_at = time.monotonic()

    task = queue_task(teacher)

    assert time.monotonic() - started_at < 1
    assert (task.state, task.published_at, task.projected_version) == (
        "queued",
        None,
        0,
    )


@pytest.mark.parametrize("away", ["redis_down", "redis_unresponsive"])
def test_poll_without_redis_reads_row_within_a_second(request, teacher, away):
    task = queue_task(teacher)
    request.getfixturevalue(away)
    started_at = time.monotonic()

    snapshot = reader.read_snapshot(
        task.pk,
        viewer_id=teacher.pk,
        token_version=teacher.access_version,
        generation=teacher.session_generation,
    )

    assert time.monotonic() - started_at < 1
    assert snapshot.state == "queued"


def test_redis_call_after_failure_is_refused_at_once(redis_unresponsive):
    with pytest.raises(RedisUnavailable):
        redis_store.get_cached_task(broker.uuid.uuid4(), 1)
    started_at = time.monotonic()

    with pytest.raises(RedisUnavailable):
        redis_store.get_cached_task(broker.uuid.uuid4(), 1)

    assert time.monotonic() - started_at < 0.05


@pytest.mark.guarantee("A Redis user without dangerous commands is enough.")
def test_dispatcher_works_as_user_without_dangerous_commands(
    tmp_path, point_redis_at, teacher
):
    users = ["user default off", "user lim on >lim ~* &* +@all -@dangerous"]
    with start_server(tmp_path, *users) as port:
        point_redis_at(f"redis://lim:lim@127.0.0.1:{port}")
        task = queue_task(teacher)
        dispatcher = Dispatcher()
        dispatcher.tick()
        assert redis_store.get_alive(["dispatcher"]) == {"dispatcher": True}
        assert redis_store.get_server_epoch()[1] > 0
        task.refresh_from_db()
        assert task.published_at is not None
        assert task.projected_version == task.version


def test_server_run_changes_with_a_restart_and_not_with_a_flush(
    tmp_path, point_redis_at
):
    server = EmbeddedRedis(tmp_path)
    point_redis_at(server.start())
    run, _ = redis_store.get_server_epoch()
    redis_store.client().flushall()
    assert redis_store.get_server_epoch()[0] == run
    redis_store.client().set("key", 1)
    server.stop()

    point_redis_at(server.start())  # with the same data

    assert redis_store.client().get("key") == b"1"
    assert redis_store.get_server_epoch()[0] != run
    server.stop()


def test_dispatcher_publishes_and_syncs_after_redis_returns(
    point_redis_at, redis_down, settings, teacher
):
    task = queue_task(teacher)
    Dispatcher().tick()
    task.refresh_from_db()
    assert task.published_at is None

    point_redis_at(os.environ["REDIS_URL"])
    Dispatcher().tick()

    task.refresh_from_db()
    assert task.published_at is not None
    assert task.projected_version == task.version
    assert redis_store.client().llen("reports") >= 1
    assert outbox.QueueReader("reports").read_order() == []
