"""Process beside the service that ends running tasks on command, without workers.

It reads commands from its input and answers each with one line: `prepare` writes the documents
of the running tasks, `pace COUNT RATE` ends as many at that rate a second, and `all` ends the
rest at once and answers with the time of the commit.
"""

import sys
import time
from collections.abc import Callable
from unittest import mock

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from school.scope import Scope
from tasks import lifecycle, transitions
from tasks.models import Task
from tasks.progress import Progress
from tasks.redis_store import client, documents
from tasks.states import State
from tasks.status import projection

FILE = {"rows": 1, "bytes": 1000, "sha256": "0" * 64, "media_type": "text/csv"}
RESULT = FILE | {"filename": "report.csv", "summary": "1 row", "skipped": {}}


def main() -> None:
    for line in sys.stdin:
        command, *arguments = line.split()
        answer = _COMMANDS[command](*map(int, arguments))
        sys.stdout.write(f"{command} {answer}\n")
        sys.stdout.flush()


def prepare() -> int:
    """Write the documents of the running tasks; return their number."""
    tasks = list(_running_tasks())
    for task in tasks:
        projection.write_document(task)
    return len(tasks)


def end_at_pace(count: int, rate: int) -> float:
    """End the oldest running tasks as a worker does, one after the other."""
    started_at = time.time()
    for number, task in enumerate(_running_tasks()[:count]):
        time.sleep(max(0.0, started_at + number / rate - time.time()))
        lifecycle.succeed(
            task,
            artifact=str(task.pk),
            result=RESULT,
            scope=Scope.from_json(task.scope),
        )
    return time.time()


def end_all() -> float:
    """End all running tasks in one transaction, and send their documents in one packet.

    Rows and documents are those of `lifecycle.succeed`. The documents are made before the
    commit, so that Redis gets them at once.
    """
    running = _running_tasks()
    with client().pipeline(transaction=False) as pipeline:
        with transaction.atomic():
            task_ids = list(running.values_list("pk", flat=True))
            transitions.transition(
                running,
                State.SUCCEEDED,
                artifact="none",
                result=RESULT,
                finished_at=Now(),
                stage="finished",
                projected_version=2,
            )
            with (
                mock.patch.object(documents, "client", return_value=pipeline),
                mock.patch.object(documents, "put_over_forged", lambda put, *_: put()),
            ):
                for task in Task.objects.filter(pk__in=task_ids).order_by("pk"):
                    projection.put_document(task, Progress.from_task(task))
        committed_at = time.time()
        pipeline.execute()
    return committed_at


def _running_tasks() -> QuerySet[Task]:
    return Task.objects.filter(state=State.RUNNING).order_by("pk")


_COMMANDS: dict[str, Callable[..., float]] = {
    "prepare": prepare,
    "pace": end_at_pace,
    "all": end_all,
}
