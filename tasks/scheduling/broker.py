"""Sends the message that tells a worker of a task: its id and nothing else."""

import uuid
from datetime import timedelta
from functools import cache
from typing import Any

from kombu import Connection
from kombu.pools import producers

from school.celery import app
from tasks.circuit_breaker import breaker

TIMEOUT_SECONDS = 0.5
KILL_GRACE = timedelta(seconds=10)
"""How long past its time limit a report is given before its process is killed."""


def publish_task(task_id: uuid.UUID, *, queue: str, time_limit: timedelta) -> None:
    """Publish or raise `RedisAway`, within half a second."""
    hard_time_limit = time_limit + KILL_GRACE
    send_task("tasks.generate_report", str(task_id), queue=queue, task_id=str(task_id),
         time_limit=hard_time_limit.total_seconds())  # fmt: skip


def send_task(
    name: str, *args: str, queue: str, task_id: str | None = None, **options: Any
) -> None:
    """Send any task of the app over a connection that fails fast."""
    with (
        breaker.guard(),
        producers[_connection()].acquire(
            block=True, timeout=TIMEOUT_SECONDS
        ) as producer,
    ):
        app.send_task(
            name,
            args=args,
            task_id=task_id,
            queue=queue,
            producer=producer,
            # By name Celery does not know that ours are ignored: it would subscribe to each
            # result, and after an outage hang on that for 19 seconds.
            ignore_result=True,
            # Zero retries, and not `retry=False`, which was measured to hang for six seconds.
            retry_policy={"max_retries": 0},
            **options,
        )


@cache
def _connection() -> Connection:
    """Our own: a worker's connections may wait five seconds, a request may not."""
    timeouts = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
    }
    options = {**app.conf.broker_transport_options, **timeouts, "max_retries": 0}
    return app.connection_for_write(transport_options=options)
