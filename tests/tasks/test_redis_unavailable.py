"""With Redis refused or frozen nobody waits, and nothing accepted is lost."""

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
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db


def test_publishing_is_one_command_and_subscribes_to_nothing(settings):
    for _ in range(3):  # connects, and declares the queue on each connection
        broker.send_task("tasks.canary", "reports", queue="reports")

    with monitor_commands(settings.REDIS_URL) as commands:
        broker.send_task("tasks.canary", "reports", queue="reports")

    assert [command.split()[0] for command in commands] == ["LPUSH"]


@pytest.mark.guarantee("Publishing to a broker that is away fails at once.")
def test_publishing_after_an_outage_fails_at_once(tmp_path, point_redis_at):
    server = EmbeddedRedis(tmp_path)
    point_redis_at(server.start())
    broker.send_task("tasks.canary", "reports", queue="reports")
    server.stop()

    for _ in range(2):
        breaker.reset()
        began = time.monotonic()
        with pytest.raises(RedisUnavailable):
            broker.send_task("tasks.canary", "reports", queue="reports")
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("away", ["redis_down", "redis_unresponsive"])
def test_report_is_accepted_in_under_a_second(request, teacher, away):
    request.getfixturevalue(away)
    began = time.monotonic()

    task = queue_task(teacher)

    assert time.monotonic() - began < 1
    assert (task.state, task.published_at, task.projected_version) == (
        "queued",
        None,
        0,
    )


@pytest.mark.parametrize("away", ["redis_down", "redis_unresponsive"])
def test_poll_answers_from_the_row_in_under_a_second(request, teacher, away):
    task = queue_task(teacher)
    request.getfixturevalue(away)
    began = time.monotonic()

    read = reader.read_snapshot(
        task.pk, viewer_id=teacher.pk, token_version=teacher.access_version
    )

    assert time.monotonic() - began < 1
    assert read.state == "queued"


def test_after_a_failure_redis_is_left_alone_for_a_moment(redis_unresponsive):
    with pytest.raises(RedisUnavailable):
        redis_store.get_cached_task(broker.uuid.uuid4(), 1)
    began = time.monotonic()

    with pytest.raises(RedisUnavailable):
        redis_store.get_cached_task(broker.uuid.uuid4(), 1)

    assert time.monotonic() - began < 0.05


def test_dispatcher_publishes_and_mirrors_when_redis_is_back(
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
    assert outbox.queue_order("reports") == []
