"""Functions that run in a process of the service: fill its queue, and tick as its dispatcher."""

import copy
import json
import sys
import time

from django.db.models import QuerySet
from django.utils import timezone

from school.models import User
from tasks.maintenance.dispatcher import Dispatcher
from tasks.maintenance.jobs import Job
from tasks.maintenance.resync import MAX_RESYNCS_PER_TICK
from tasks.models import Task, new_id
from tasks.states import State

BATCH_SIZE = 500
TICK_SECONDS = 1.0


def fill_queue(count: int) -> None:
    """Add queued copies of a finished task, for all `bench-` users in turns."""
    original = Task.objects.filter(state=State.SUCCEEDED).latest("pk")
    users: QuerySet[User] = User.objects.filter(username__startswith="bench-")
    user_ids = list(users.order_by("pk").values_list("pk", flat=True))
    tasks = []
    for number in range(count):
        task = copy.copy(original)
        task.pk, task.requester_id = new_id(), user_ids[number % len(user_ids)]
        task.state, task.stage, task.fingerprint = State.QUEUED, "queued", str(number)
        task.version = task.projected_version = 1
        task.attempt = task.fence = task.progress_done = task.artifact_bytes = 0
        task.created_at = task.updated_at = timezone.now()
        for field in ("lease_until", "deadline", "published_at", "started_at",
                      "finished_at", "expires_at", "result", "progress_total"):  # fmt: skip
            setattr(task, field, None)
        task.artifact = ""
        tasks.append(task)
    Task.objects.bulk_create(tasks, batch_size=BATCH_SIZE)


def run_ticks(count: int) -> None:
    """Tick once a second; print a line of JSON with the seconds of each tick and its jobs."""
    dispatcher = Dispatcher()
    seconds_by_job: dict[str, float] = {}
    dispatcher._jobs = [_timed(job, seconds_by_job) for job in dispatcher._jobs]
    # A new dispatcher first writes the documents of all tasks, a part in each tick.
    for _number in range(Task.objects.count() // MAX_RESYNCS_PER_TICK + 5):
        dispatcher.tick()
    for _number in range(count):
        time.sleep(TICK_SECONDS)
        seconds_by_job.clear()
        started_at, cpu_started_at = time.perf_counter(), time.process_time()
        dispatcher.tick()
        line = {
            "seconds": time.perf_counter() - started_at,
            "cpu_seconds": time.process_time() - cpu_started_at,
            "jobs": seconds_by_job,
        }
        sys.stdout.write(f"{json.dumps(line)}\n")


def _timed(job: Job, seconds_by_job: dict[str, float]) -> Job:
    def run() -> None:
        started_at = time.perf_counter()
        job.run()
        seconds_by_job[job.name] = time.perf_counter() - started_at

    return Job(job.name, run, every=job.every)
