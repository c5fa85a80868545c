"""Progress of a task in its document, and while a client waits for it."""

import time
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tasks import redis_store
from tasks.models import Task
from tasks.progress import Progress
from tasks.scheduling import positions
from tasks.scheduling.fair_order import QueuedTask
from tasks.status import projection, waiters
from tests.support.task_factories import create_task_in_state, queue_task

pytestmark = pytest.mark.django_db


def seconds_until(text):
    return (datetime.fromisoformat(text) - timezone.now()).total_seconds()


@pytest.fixture
def running_task(teacher):
    """A running task that is expected to take a minute from its start."""
    task = create_task_in_state("running", teacher)
    Task.objects.update(expected_duration=timedelta(minutes=1))
    task.refresh_from_db()
    return task


@pytest.mark.parametrize("path", ["/tasks/{}", "/tasks"])
def test_ends_at_of_running_task_follows_its_progress(
    as_user, teacher, running_task, path
):
    progress = Progress("writing", 7, 9, seconds_left=30)
    projection.update_progress(running_task, progress, sequence=900)

    body = as_user(teacher).get(path.format(running_task.pk)).json()

    task = body["results"][0] if path == "/tasks" else body
    assert seconds_until(task["progress"]["ends_at"]) == pytest.approx(30, abs=5)
    assert task["poll_after_ms"] == pytest.approx(30_300, abs=5000)


def test_ends_at_without_progress_follows_the_expected_duration(
    as_user, teacher, running_task
):
    """Also when the document is written anew in the middle of the attempt."""
    Task.objects.update(
        deadline=timezone.now() + running_task.time_limit - timedelta(seconds=40)
    )
    running_task.refresh_from_db()
    projection.sync_document(running_task)

    document = as_user(teacher).get(f"/tasks/{running_task.pk}").json()

    assert seconds_until(document["progress"]["ends_at"]) == pytest.approx(20, abs=5)


def test_ends_at_of_queued_task_follows_its_position(as_user, teacher):
    task = queue_task(teacher)
    Task.objects.update(expected_duration=timedelta(seconds=5))
    task.refresh_from_db()
    projection.put_document(task, Progress.from_task(task), sequence=1)
    samples = positions.sample_positions([QueuedTask(task.pk, teacher.pk, 1)], [20.0])
    redis_store.set_queue_positions({teacher.pk: {"reports": samples[teacher.pk]}})

    document = as_user(teacher).get(f"/tasks/{task.pk}").json()

    assert seconds_until(document["progress"]["ends_at"]) == pytest.approx(25, abs=5)
    assert document["poll_after_ms"] == pytest.approx(25_300, abs=5000)


@pytest.mark.parametrize("state", ["succeeded", "failed", "canceled", "expired"])
def test_ends_at_of_final_task_is_null(as_user, teacher, state):
    task = create_task_in_state(state, teacher)

    document = as_user(teacher).get(f"/tasks/{task.pk}").json()

    assert document["progress"]["ends_at"] is None


def test_ends_at_that_has_passed_is_null(as_user, teacher, running_task):
    Task.objects.update(expected_duration=timedelta(0))
    running_task.refresh_from_db()
    projection.put_document(running_task, Progress("writing", 0, 9), sequence=1)

    document = as_user(teacher).get(f"/tasks/{running_task.pk}").json()

    assert document["progress"]["ends_at"] is None
    assert document["progress"]["total"] == 9


def test_text_like_the_end_in_a_label_is_not_replaced(as_user, teacher, running_task):
    text = '"ends_at":null'
    Task.objects.update(label=text, metadata={"ends_at": "null", text: text})
    running_task.refresh_from_db()
    progress = Progress("writing", 7, 9, seconds_left=30)
    projection.put_document(running_task, progress, sequence=900)

    document = as_user(teacher).get(f"/tasks/{running_task.pk}").json()

    assert document["progress"]["ends_at"] is not None
    assert document["label"] == text
    assert document["metadata"] == {"ends_at": "null", text: text}


@pytest.mark.parametrize(
    ("kind", "language", "unit", "label"),
    [
        ("class_performance", "en", "rows", "rows"),
        ("final_results", "en", "students", "students"),
        ("final_results", "pt-BR", "students", "alunos"),
    ],
)
def test_progress_names_its_unit(as_user, secretary, kind, language, unit, label):
    task = queue_task(secretary, kind=kind, language=language)

    progress = as_user(secretary).get(f"/tasks/{task.pk}").json()["progress"]

    assert (progress["unit"], progress["unit_label"]) == (unit, label)


def follow(client, path, query):
    etag = client.get(path)["ETag"]
    started_at = time.monotonic()
    answer = client.get(f"{path}?wait=4{query}", headers={"If-None-Match": etag})
    return answer, time.monotonic() - started_at


@pytest.mark.parametrize("path", ["/tasks/{}", "/tasks"])
def test_wait_that_watches_progress_ends_after_two_seconds(
    as_user, teacher, running_task, during_wait, path
):
    during_wait(
        lambda: projection.update_progress(
            running_task, Progress("writing", 7, 9), sequence=900
        )
    )

    answer, elapsed = follow(
        as_user(teacher), path.format(running_task.pk), "&progress=1"
    )

    assert answer.status_code == 200
    assert waiters.WATCHED_PROGRESS_SECONDS - 0.1 < elapsed < 3


@pytest.mark.parametrize("query", ["", "&progress=false"])
def test_wait_that_does_not_watch_progress_goes_on(
    as_user, teacher, running_task, during_wait, query
):
    during_wait(
        lambda: projection.update_progress(
            running_task, Progress("writing", 7, 9), sequence=900
        )
    )

    _answer, elapsed = follow(as_user(teacher), f"/tasks/{running_task.pk}", query)

    assert elapsed >= 4


def test_progress_parameter_that_is_not_boolean_is_refused(as_user, teacher):
    path = f"/tasks/{queue_task(teacher).pk}?wait=1&progress=often"

    assert as_user(teacher).get(path).status_code == 400
