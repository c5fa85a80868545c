from datetime import timedelta

import pytest
from django.db.models.functions import Now

from tasks import lifecycle
from tasks.errors import TimedOut
from tasks.models import Task
from tasks.scheduling.fair_order import QueuedTask
from tasks.scheduling.throughput import Throughput
from tests.support.task_factories import asked

pytestmark = pytest.mark.django_db

CLASS = ("class_performance", "class_id")
SCHOOL = ("class_performance", "school_id")


def ended(viewer, parameters: dict[str, int], seconds: float) -> None:
    """A task that took so long."""
    task = lifecycle.claim(asked(viewer, parameters).pk)
    lifecycle.fail(task, TimedOut())
    began = Now() - timedelta(seconds=seconds)
    Task.objects.filter(pk=task.pk).update(started_at=began, finished_at=Now())


def running(viewer, seconds: float) -> None:
    """A task that has been running for so long."""
    task = lifecycle.claim(asked(viewer).pk)
    began = Now() - timedelta(seconds=seconds)
    Task.objects.filter(pk=task.pk).update(started_at=began)


def looked() -> Throughput:
    pace = Throughput("reports")
    pace.refresh()
    return pace


def line(*shapes: tuple[str, ...]) -> list[QueuedTask]:
    return [QueuedTask(None, 1, 1, shape) for shape in shapes]


def about(seconds: list[float]) -> list[float]:
    return pytest.approx(seconds, abs=1)


def test_wait_is_the_time_of_those_ahead_over_the_slots(teacher):
    ended(teacher, {"class_id": 1}, 100)
    ended(teacher, {"school_id": 1}, 10)
    running(teacher, 40)
    running(teacher, 70)

    waits = looked().start_estimates(line(SCHOOL, CLASS, CLASS, SCHOOL))

    assert waits == about([30, 40, 60, 140])


def test_shape_never_made_is_expected_to_take_as_long_as_any(teacher):
    ended(teacher, {"class_id": 1}, 100)
    ended(teacher, {"school_id": 1}, 10)
    running(teacher, 100)

    assert looked().start_estimates(line(("new",), CLASS)) == about([0, 55])


def test_without_a_history_the_running_tell_how_long_it_takes(teacher):
    running(teacher, 20)

    assert looked().start_estimates(line(CLASS, CLASS)) == about([20, 60])


def test_wait_is_unknown_while_nothing_is_made(teacher):
    ended(teacher, {"class_id": 1}, 100)

    assert looked().start_estimates(line(CLASS, CLASS)) == [None, None]


def test_what_was_made_last_counts(teacher):
    ended(teacher, {"class_id": 1}, 1000)
    for _ in range(20):
        ended(teacher, {"class_id": 1}, 10)
    running(teacher, 10)

    assert looked().start_estimates(line(CLASS, CLASS)) == about([0, 10])


@pytest.mark.guarantee("Long reports do not fill a queue ahead of others.")
@pytest.mark.parametrize(("seconds", "ahead"), [(100, 1), (1, 3), (0.01, 16)])
def test_long_reports_are_published_shortly_before_their_turn(teacher, seconds, ahead):
    ended(teacher, {"class_id": 1}, seconds)

    assert looked().prefetch_target(line(*[CLASS] * 50)) == ahead


def test_reports_of_unknown_length_are_published_as_many_as_may(teacher, settings):
    assert looked().prefetch_target(line(CLASS)) == settings.MAX_PUBLISHED_PER_QUEUE
