import pytest

from tasks import lifecycle
from tasks.failures import TimedOut
from tasks.scheduling import durations
from tests.support.task_factories import create_finished_task, queue_task

pytestmark = pytest.mark.django_db


def optimistic_seconds(*parameters: str) -> float | None:
    duration = durations.optimistic_duration("reports", "class_performance", parameters)
    return None if duration is None else duration.total_seconds()


def test_optimistic_duration_is_short_one_of_its_workload(teacher):
    for seconds in (1, 2, 60, 60, 60, 60, 60, 60, 60, 60):
        create_finished_task(teacher, seconds)
    create_finished_task(teacher, 0, {"school_id": 1, "year": 2026})
    durations.duration_cache.reset()

    assert optimistic_seconds("class_id") == pytest.approx(60, abs=1)
    assert optimistic_seconds("school_id", "year") == pytest.approx(0, abs=1)
    assert optimistic_seconds("term") is None


def test_optimistic_duration_of_varying_tasks_is_short(teacher):
    for seconds in (1, 10, 60):
        create_finished_task(teacher, seconds)
    durations.duration_cache.reset()

    assert optimistic_seconds("class_id") == pytest.approx(1, abs=0.5)


def test_failed_task_gives_no_optimistic_duration(teacher):
    task = lifecycle.claim(queue_task(teacher).pk)
    lifecycle.fail(task, TimedOut())
    durations.duration_cache.reset()

    assert optimistic_seconds("class_id") is None


def test_median_seconds_of_kind_is_the_median(teacher, as_user):
    for seconds in (1, 2, 60):
        create_finished_task(teacher, seconds)
    durations.duration_cache.reset()

    reports = as_user(teacher).get("/reports").json()["results"]
    entries = {entry["report"]: entry["median_seconds"] for entry in reports}

    assert entries["class_performance"] == pytest.approx(2, abs=0.5)
    assert entries["report_card"] is None


def test_repeated_optimistic_duration_queries_once(teacher, django_assert_num_queries):
    durations.duration_cache.reset()
    with django_assert_num_queries(1):
        for _ in range(5):
            optimistic_seconds("class_id")
