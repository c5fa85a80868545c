"""Celery's transport while Redis is away, full or a replica."""

from contextlib import closing

import pytest
import redis
from django.conf import settings

from school.celery import app
from school.runtime.redis_diagnosis import connect_probe
from tasks.circuit_breaker import breaker
from tasks.scheduling import broker
from tests.support.redis_servers import start_server

QUEUE = "default"


@pytest.fixture
def redis_server(tmp_path, point_redis_at):
    """Client of a server of this test alone."""
    with start_server(tmp_path / "redis") as port:
        point_redis_at(f"redis://127.0.0.1:{port}/0")
        with closing(redis.Redis(port=port)) as client:
            yield client


def test_connection_that_holds_a_message_closes_without_redis(redis_server):
    connection = app.connection_for_read()
    channel = connection.default_channel
    broker.send_task("tasks.generate_report", broker.CANARY, queue=QUEUE)
    assert channel.basic_get(QUEUE) is not None
    redis_server.shutdown(nosave=True)
    # As a worker leaves it that could not close it at its first attempt.
    connection._do_close_transport()

    connection.maybe_close_channel(channel)

    assert channel.closed


def test_restore_of_messages_in_a_full_redis_raises_nothing(redis_server):
    reported = []
    with pytest.MonkeyPatch.context() as patch, app.connection_for_read() as connection:
        patch.setattr(breaker, "report", reported.append)
        qos = connection.default_channel.qos
        redis_server.config_set("maxmemory", 1)

        qos.restore_visible()

    assert [type(error) for error in reported] == [redis.exceptions.OutOfMemoryError]


def test_probe_fails_once_the_server_is_a_replica(redis_server, tmp_path):
    probe = connect_probe(settings.REDIS_URL)
    probe()
    redis_server.replicaof("127.0.0.1", 1)

    with pytest.raises(redis.ConnectionError, match="is a replica"):
        probe()
