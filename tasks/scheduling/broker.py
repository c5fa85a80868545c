"""Celery messages, sent over a connection that fails fast."""

import uuid
from datetime import timedelta
from functools import cache
from typing import Any

from kombu import Connection
from kombu.pools import producers

from school.celery import app
from school.runtime.logging import CANARY_ID_PREFIX
from tasks.circuit_breaker import breaker

TIMEOUT_SECONDS = 0.5
CANARY = "canary"
"""Argument of a call that does nothing: it shows that a worker starts this task."""
KILL_GRACE = timedelta(seconds=10)
"""Time after the time limit until Celery kills the process of a report."""


def publish_task(task_id: uuid.UUID, *, queue: str, time_limit: timedelta) -> None:
    """Publish the message of a task (only its id), or raise `RedisUnavailable`.

    Takes half a second at most.
    """
    hard_time_limit = time_limit + KILL_GRACE
    send_task("tasks.generate_report", str(task_id), queue=queue, task_id=str(task_id),
         time_limit=hard_time_limit.total_seconds())  # fmt: skip


def send_canary(name: str, *, queue: str) -> None:
    """Send a call of this Celery task that does nothing, or raise `RedisUnavailable`."""
    task_id = f"{CANARY_ID_PREFIX}{uuid.uuid4()}"
    send_task(name, CANARY, queue=queue, task_id=task_id)


def send_task(
    name: str, *args: str, queue: str, task_id: str | None = None, **options: Any
) -> None:
    """Send any Celery task of the app; raise `RedisUnavailable` if Redis fails."""
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
            # Sending by name, Celery does not know that our tasks ignore their results. It
            # would subscribe to each result and hang for 19 seconds after an outage.
            ignore_result=True,
            # Zero retries instead of `retry=False`, which was measured to hang for 6 seconds.
            retry_policy={"max_retries": 0},
            **options,
        )


@cache
def _connection() -> Connection:
    """Return a separate connection: a worker's may wait 5 seconds, a request's may not."""
    timeouts = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
    }
    options = {**app.conf.broker_transport_options, **timeouts, "max_retries": 0}
    return app.connection_for_write(transport_options=options)
