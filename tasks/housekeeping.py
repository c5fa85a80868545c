"""The short Celery functions of the queue `default`, and the canary of every queue."""

from contextlib import suppress

from celery import shared_task
from django.db.models.functions import Now

from tasks import artifacts, lifecycle, store
from tasks.breaker import RedisAway
from tasks.models import Task
from tasks.states import State

CANARY_SECONDS = 10


@shared_task(name="tasks.expire_artifacts")
def expire_artifacts() -> None:
    """End the life of results past their time, and erase their files."""
    past = Task.objects.filter(state=State.SUCCEEDED, expires_at__lt=Now())
    for task in past.iterator():
        # The file first: if this is cut off in between, the next call ends it.
        artifacts.remove(task.artifact)
        lifecycle.expire(task)


@shared_task(name="tasks.canary")
def canary(queue: str) -> None:
    """Prove that the queue's workers take messages: that one is alive is not enough."""
    with suppress(RedisAway):  # then the mark is missing, which is the truth
        store.mark_alive(queue, seconds=3 * CANARY_SECONDS)
