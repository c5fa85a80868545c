import threading
import time

import pytest

from school.models import Attachment
from tasks import lifecycle, redis_store
from tasks.scheduling import positions
from tasks.scheduling.fair_order import QueuedTask
from tasks.status import projection, waiters
from tasks.worker.tasks import generate_report
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db


def measure(call):
    started_at = time.monotonic()
    return call(), time.monotonic() - started_at


@pytest.fixture
def during_wait(monkeypatch):
    """Let something happen on this thread, whose database the tests share, in each wait."""

    def schedule(action):
        sleep = threading.Event.wait

        def wait_and_act(event, timeout=None):
            if isinstance(timeout, float) and timeout > 1:
                action()
            return sleep(event, timeout)

        monkeypatch.setattr(threading.Event, "wait", wait_and_act)

    return schedule


@pytest.mark.parametrize(
    ("headers", "query", "granted", "least"),
    [
        ({"Prefer": "wait=1"}, "", "wait=1", 1),
        ({"Prefer": 'respond-async, WAIT="1"; x=y'}, "", "wait=1", 1),
        ({}, "?wait=1", None, 1),
        ({"Prefer": "wait=20"}, "?wait=1", None, 1),
        ({"Prefer": "wait=0"}, "", "wait=0", 0),
        ({"Prefer": "wait=soon"}, "", None, 0),
        ({"Prefer": "wait"}, "", None, 0),
        ({}, "", None, 0),
    ],
)
def test_wait_asked_for_is_granted_and_told(
    as_user, teacher, headers, query, granted, least
):
    task = queue_task(teacher)

    answer, took = measure(
        lambda: as_user(teacher).get(f"/tasks/{task.pk}{query}", headers=headers)
    )

    assert answer.status_code == 200
    assert answer.get("Preference-Applied") == granted
    assert least - 0.05 <= took < least + 2


@pytest.mark.parametrize("wait", ["abc", "-1", "1.5", "", "1" * 10, "٣"])
def test_wait_that_is_no_number_is_refused(as_user, teacher, wait):
    answer = as_user(teacher).get(f"/tasks/{queue_task(teacher).pk}", {"wait": wait})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/wait"


def test_longest_wait_is_25_seconds(as_user, teacher):
    done = run_task(teacher)

    answer = as_user(teacher).get(f"/tasks/{done.pk}", headers={"Prefer": "wait=600"})

    assert answer["Preference-Applied"] == "wait=25"


def test_final_task_is_answered_without_waiting(as_user, teacher):
    done = run_task(teacher)

    _answer, took = measure(lambda: as_user(teacher).get(f"/tasks/{done.pk}?wait=20"))

    assert took < 3


def test_wait_ends_when_the_task_is_claimed(as_user, teacher, during_wait):
    task = queue_task(teacher)
    during_wait(lambda: projection.sync_document(lifecycle.claim(task.pk) or task))

    answer, took = measure(lambda: as_user(teacher).get(f"/tasks/{task.pk}?wait=20"))

    assert answer.json()["state"] == "running"
    assert took < 5


def test_wait_ends_when_a_cancel_is_asked_for(as_user, teacher, during_wait):
    task = queue_task(teacher)
    projection.sync_document(lifecycle.claim(task.pk))
    during_wait(lambda: lifecycle.cancel(task))

    answer, took = measure(lambda: as_user(teacher).get(f"/tasks/{task.pk}?wait=20"))

    assert answer.json()["cancel_requested_at"]
    assert took < 5


@pytest.mark.guarantee("A wait ends when its viewer loses the right.")
def test_wait_of_a_viewer_who_loses_the_right_ends_as_any_404(
    as_user, teacher, during_wait, django_capture_on_commit_callbacks
):
    task = queue_task(teacher)

    def take_away():
        with django_capture_on_commit_callbacks(execute=True):
            Attachment.objects.filter(user=teacher).delete()
        lifecycle.cancel(task)

    during_wait(take_away)

    answer, took = measure(lambda: as_user(teacher).get(f"/tasks/{task.pk}?wait=20"))

    assert answer.status_code == 404
    assert took < 5


def test_document_the_client_has_is_304_and_says_when_to_ask_again(as_user, teacher):
    client, path = as_user(teacher), f"/tasks/{queue_task(teacher).pk}"
    first = client.get(path)

    again = client.get(path, headers={"If-None-Match": first["ETag"]})

    assert again.status_code == 304
    assert not again.content
    assert again["ETag"] == first["ETag"]
    assert int(again["Retry-After"]) >= 1


def test_document_the_client_has_is_waited_for_and_then_304(as_user, teacher):
    client, path = as_user(teacher), f"/tasks/{queue_task(teacher).pk}?wait=1"
    etag = client.get(path.partition("?")[0])["ETag"]

    answer, took = measure(lambda: client.get(path, headers={"If-None-Match": etag}))

    assert answer.status_code == 304
    assert took >= 1


def test_document_the_client_has_not_is_answered_without_waiting(as_user, teacher):
    client, path = as_user(teacher), f"/tasks/{queue_task(teacher).pk}?wait=20"

    answer, took = measure(
        lambda: client.get(path, headers={"If-None-Match": 'W/"old"'})
    )

    assert answer.status_code == 200
    assert took < 3


def test_document_is_marked_alike_from_redis_and_from_the_row(as_user, teacher):
    for task in (run_task(teacher), lifecycle.cancel(queue_task(teacher))):
        client, path = as_user(teacher), f"/tasks/{task.pk}"
        held = client.get(path)
        redis_store.client().delete(f"celery-task-meta-{task.pk}")

        assert client.get(path)["ETag"] == held["ETag"]


def test_position_in_the_queue_is_left_out_of_the_mark(as_user, teacher):
    task = queue_task(teacher)
    client, path = as_user(teacher), f"/tasks/{task.pk}"
    before = client.get(path)
    order = [QueuedTask(task.pk, teacher.pk, 1)]
    redis_store.set_queue_positions(
        {teacher.pk: {"reports": positions.sample_positions(order, [5.0])[teacher.pk]}}
    )

    after = client.get(path)

    assert (before.json()["queue"], after.json()["queue"]["position"]) == (None, 1)
    assert before["ETag"] == after["ETag"]


def test_submit_that_waits_sees_the_end(as_user, teacher, during_wait):
    body = {"report": "class_performance", "parameters": {"class_id": 1}}
    during_wait(lambda: [generate_report(str(t.pk)) for t in teacher.tasks.all()])

    answer = as_user(teacher).post(
        "/reports", body, content_type="application/json", headers={"Prefer": "wait=20"}
    )

    assert answer.status_code == 200
    assert answer.json()["state"] == "succeeded"
    assert answer["Location"] == f"/tasks/{answer.json()['task_id']}"
    assert answer["Preference-Applied"] == "wait=20"


def test_submit_that_waits_in_vain_is_202(as_user, teacher):
    body = {"report": "class_performance", "parameters": {"class_id": 1}}

    answer, took = measure(
        lambda: as_user(teacher).post(
            "/reports?wait=1", body, content_type="application/json"
        )
    )

    assert answer.status_code == 202
    assert took >= 1


def test_process_that_is_full_of_waiters_answers_at_once(as_user, teacher, monkeypatch):
    monkeypatch.setattr(waiters, "MAX_WAITERS", 0)
    path = f"/tasks/{queue_task(teacher).pk}"

    answer, took = measure(
        lambda: as_user(teacher).get(path, headers={"Prefer": "wait=20"})
    )

    assert answer.status_code == 200
    assert "Preference-Applied" not in answer
    assert took < 3


def test_submit_with_a_wait_that_is_no_number_makes_nothing(as_user, teacher):
    body = {"report": "class_performance", "parameters": {"class_id": 1}}

    answer = as_user(teacher).post_json("/reports?wait=soon", body)

    assert answer.status_code == 400
    assert not teacher.tasks.exists()
