from datetime import timedelta

import pytest
from django.db.models.functions import Now

from tasks import lifecycle
from tasks.models import Task
from tasks.scheduling.fair_order import QueuedTask
from tasks.scheduling.throughput import Throughput
from tests.support.task_factories import create_finished_task, queue_task

pytestmark = pytest.mark.django_db

CLASS_WORKLOAD = ("class_performance", "class_id")
SCHOOL_WORKLOAD = ("class_performance", "school_id", "year")


def create_running_task(viewer, seconds: float) -> None:
    """Create a task that has been running for this many seconds."""
    task = lifecycle.claim(queue_task(viewer).pk)
    started_at = Now() - timedelta(seconds=seconds)
    Task.objects.filter(pk=task.pk).update(started_at=started_at)


def load_throughput() -> Throughput:
    throughput = Throughput("reports")
    throughput.refresh()
    return throughput


def make_queue(*workload_keys: tuple[str, ...]) -> list[QueuedTask]:
    return [QueuedTask(None, 1, 1, key) for key in workload_keys]


def approximately(seconds: list[float]) -> list[float]:
    return pytest.approx(seconds, abs=1)


def test_start_estimates_divide_work_ahead_by_concurrency(teacher):
    create_finished_task(teacher, 100, {"class_id": 1}, state="failed")
    create_finished_task(teacher, 10, {"school_id": 1, "year": 2026}, state="failed")
    create_running_task(teacher, 40)
    create_running_task(teacher, 70)

    waits = load_throughput().start_estimates(
        make_queue(SCHOOL_WORKLOAD, CLASS_WORKLOAD, CLASS_WORKLOAD, SCHOOL_WORKLOAD)
    )

    assert waits == approximately([30, 40, 60, 140])


def test_unknown_workload_uses_average_duration(teacher):
    create_finished_task(teacher, 100, {"class_id": 1}, state="failed")
    create_finished_task(teacher, 10, {"school_id": 1, "year": 2026}, state="failed")
    create_running_task(teacher, 100)

    assert load_throughput().start_estimates(
        make_queue(("new",), CLASS_WORKLOAD)
    ) == approximately([0, 55])


def test_start_estimates_without_history_use_running_tasks(teacher):
    create_running_task(teacher, 20)

    assert load_throughput().start_estimates(
        make_queue(CLASS_WORKLOAD, CLASS_WORKLOAD)
    ) == approximately([20, 60])


def test_start_estimates_without_running_tasks_are_unknown(teacher):
    create_finished_task(teacher, 100, {"class_id": 1}, state="failed")

    assert load_throughput().start_estimates(
        make_queue(CLASS_WORKLOAD, CLASS_WORKLOAD)
    ) == [None, None]


def test_start_estimates_follow_recent_tasks(teacher):
    create_finished_task(teacher, 1000, {"class_id": 1}, state="failed")
    for _ in range(20):
        create_finished_task(teacher, 10, {"class_id": 1}, state="failed")
    create_running_task(teacher, 10)

    assert load_throughput().start_estimates(
        make_queue(CLASS_WORKLOAD, CLASS_WORKLOAD)
    ) == approximately([0, 10])


@pytest.mark.guarantee("Long reports do not fill a queue ahead of others.")
@pytest.mark.parametrize(("seconds", "ahead"), [(100, 1), (1, 3), (0.01, 16)])
def test_prefetch_target_shrinks_with_task_duration(teacher, seconds, ahead):
    create_finished_task(teacher, seconds, {"class_id": 1}, state="failed")

    assert (
        load_throughput().prefetch_target(make_queue(*[CLASS_WORKLOAD] * 50)) == ahead
    )


def test_prefetch_target_of_unknown_duration_is_maximum(teacher, settings):
    assert (
        load_throughput().prefetch_target(make_queue(CLASS_WORKLOAD))
        == settings.MAX_PUBLISHED_PER_QUEUE
    )
