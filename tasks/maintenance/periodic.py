"""Periodic work on the queues: messages sent at an interval, and repair."""

from django.conf import settings

from tasks import redis_store
from tasks.scheduling import broker

REPORT_QUEUES = ("reports", "reports.bulk")
ALL_QUEUES = ("default", *REPORT_QUEUES)
CANARY_TASKS = {
    "default": "tasks.sweep",
    "reports": "tasks.generate_report",
    "reports.bulk": "tasks.generate_report",
}
"""Celery task that each queue serves: a rate limit by hand holds for one task only."""
CANARY_SECONDS = 5
SWEEP_SECONDS = 60
COMMANDS_SECONDS = 3600
MAX_EXTRA_MESSAGES = 20
"""Messages a queue may hold beyond `MAX_PUBLISHED_PER_QUEUE`; its workers seem to be down."""


def send_canaries() -> None:
    """Send a canary to each queue in which nothing waits.

    A message that waits there shows as much: it is taken, or its worker is stuck. So a
    queue holds one canary at most, however long nobody serves it, and a worker that takes
    messages and holds them back gets no further one. A canary has no expiry: a worker whose
    clock is ahead would discard it.
    """
    lengths = redis_store.queue_lengths(CANARY_TASKS)
    workers = [worker.registration for worker in redis_store.get_workers()]
    for queue, name in CANARY_TASKS.items():
        held_counts = [w.held_count for w in workers if queue in w.queues]
        if not lengths[queue] and sum(held_counts) < max(1, len(held_counts)):
            broker.send_canary(name, queue=queue)


def send_sweep() -> None:
    _send("tasks.sweep", queue="default", every=SWEEP_SECONDS)


def send_commands() -> None:
    _send("tasks.run_commands", queue="default", every=COMMANDS_SECONDS)


def repair_queues() -> None:
    """Delete queues that are no queues; their messages are published again."""
    redis_store.delete_mistyped_keys(ALL_QUEUES)


def _send(name: str, *args: str, queue: str, every: float) -> None:
    """Send a task unless its queue is too long, so that Redis does not fill up."""
    limit = settings.MAX_PUBLISHED_PER_QUEUE + MAX_EXTRA_MESSAGES
    if redis_store.queue_length(queue) < limit:
        # A message older than its interval is superseded by the next one.
        broker.send_task(name, *args, queue=queue, expires=every)
