"""Polls that wait, answered without Django."""

import json
import time

import pytest

from school.models import Attachment
from tasks import lifecycle, redis_store
from tasks.redis_store.client import client
from tasks.status import projection
from tests.support.poll_paths import poll, send
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def wait_for(paths, teacher):
    """Function that sends a poll which waits; it returns the response and the seconds."""

    def wait(task, seconds=20):
        send(paths.wrapped, poll(teacher, task))
        paths.passed_on = 0
        started_at = time.monotonic()
        environ = poll(teacher, task, HTTP_PREFER=f"wait={seconds}")
        return send(paths.wrapped, environ), time.monotonic() - started_at

    return wait


def test_wait_ends_on_claim_without_django(paths, teacher, wait_for, during_wait):
    task = queue_task(teacher)
    during_wait(lambda: projection.sync_document(lifecycle.claim(task.pk) or task))

    response, seconds = wait_for(task)

    assert paths.passed_on == 0
    assert json.loads(response.body)["state"] == "running"
    assert ("preference-applied", "wait=20") in response.headers
    assert seconds < 5


def test_wait_without_a_change_ends_in_time_without_django(paths, teacher, wait_for):
    response, seconds = wait_for(queue_task(teacher), seconds=1)

    assert paths.passed_on == 0
    assert response.status == "200 OK"
    assert 0.95 <= seconds < 3


@pytest.mark.guarantee("A wait ends when its viewer loses the right.")
def test_wait_of_viewer_who_loses_access_is_passed_on(
    paths, teacher, wait_for, during_wait, django_capture_on_commit_callbacks
):
    def revoke_access():
        with django_capture_on_commit_callbacks(execute=True):
            Attachment.objects.filter(user=teacher).delete()

    during_wait(revoke_access)

    response, seconds = wait_for(queue_task(teacher))

    assert paths.passed_on == 1
    assert response.status == "404 Not Found"
    assert seconds < 5


def test_wait_that_is_passed_on_counts_the_seconds_before(
    paths, teacher, wait_for, during_wait
):
    task = queue_task(teacher)

    def lose_document():
        time.sleep(1)
        client().delete(f"celery-task-meta-{task.pk}")
        redis_store.announce_access_change(teacher.pk)

    during_wait(lose_document)

    response, seconds = wait_for(task, seconds=3)

    assert paths.passed_on == 1
    assert ("preference-applied", "wait=3") in response.headers
    assert 2.5 < seconds < 4.5


def test_change_during_a_wait_that_is_passed_on_ends_it(
    paths, teacher, wait_for, during_wait
):
    task = queue_task(teacher)

    def lose_access_version_and_claim():
        client().delete(f"access-version:{teacher.pk}")
        projection.sync_document(lifecycle.claim(task.pk) or task)

    during_wait(lose_access_version_and_claim)

    response, seconds = wait_for(task)

    assert paths.passed_on == 1
    assert json.loads(response.body)["state"] == "running"
    assert seconds < 5


def test_wait_that_fails_is_not_repeated_by_django(
    paths, teacher, wait_for, monkeypatch
):
    def fail(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("api.polls.wsgi.complete_document", fail)

    response, seconds = wait_for(queue_task(teacher), seconds=1)

    assert (paths.passed_on, response.status) == (1, "200 OK")
    assert seconds < 1.8
