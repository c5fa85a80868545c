"""Activity of this worker in Redis, and its registration.

The dispatcher takes a worker for stuck that shows no activity while messages wait for it.
"""

import os
import socket
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from celery.signals import task_prerun, worker_ready, worker_shutdown

from school.runtime.process_stat import start_ticks
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.redis_store import Registration

REGISTER_SECONDS = 2
QUEUE_ALIVE_SECONDS = 30
"""Seconds for which the start of a task shows that its queue is served."""
QUEUE_ALIVE_INTERVAL = 5
"""Seconds between two writes of it by one process."""


class WorkerActivity:
    """Recorder of the activity of the worker that this process belongs to."""

    worker_name = ""

    def __init__(self) -> None:
        self._next_alive_at: dict[str, float] = {}

    def record_queue(self, queue: str) -> None:
        """Show that the queue is served."""
        now = time.monotonic()
        if now < self._next_alive_at.get(queue, 0.0):
            return
        # If Redis fails, the liveness key is missing, as it should be.
        with suppress(RedisUnavailable):
            redis_store.set_alive(queue, seconds=QUEUE_ALIVE_SECONDS)
            self._next_alive_at[queue] = now + QUEUE_ALIVE_INTERVAL

    def record(self) -> None:
        if self.worker_name:
            # Without Redis the dispatcher takes nobody for stuck.
            with suppress(RedisUnavailable):
                redis_store.record_activity(self.worker_name)


activity = WorkerActivity()


@task_prerun.connect
def on_task_start(task: Any, **_: Any) -> None:
    """Note the start of a task of any kind, in the process of the pool."""
    activity.worker_name = task.request.hostname or ""
    activity.record()
    if queue := (task.request.delivery_info or {}).get("routing_key"):
        activity.record_queue(queue)


@worker_ready.connect
def on_worker_ready(sender: Any, **_: Any) -> None:
    """Register the worker, now and at an interval, from its main process."""
    activity.worker_name = sender.hostname
    registration = Registration(
        name=sender.hostname,
        host=socket.gethostname(),
        pid=os.getpid(),
        start_ticks=start_ticks(os.getpid()),
        # As it was started: what it should serve, whatever it was told since.
        queues=tuple(sorted(sender.app.amqp.queues.consume_from)),
    )

    def register() -> None:
        _register(replace(registration, held_count=_count_held(sender)))

    register()
    sender.timer.call_repeatedly(REGISTER_SECONDS, register)


@worker_shutdown.connect
def on_worker_shutdown(sender: Any, **_: Any) -> None:
    """Say that the worker has stopped, so that nobody waits for it."""
    _register(
        Registration(
            sender.hostname, socket.gethostname(), os.getpid(), 0, (), has_stopped=True
        )
    )


def _register(registration: Registration) -> None:
    with suppress(RedisUnavailable):
        redis_store.register_worker(registration)


def _count_held(consumer: Any) -> int:
    """Return the number of messages that the worker holds back; 0 while it connects."""
    channel = getattr(consumer.task_consumer, "channel", None)
    return channel.qos.held_count if channel else 0
