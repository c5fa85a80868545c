import time

import pytest

from school.models import Attachment, User
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


@pytest.mark.parametrize(
    ("headers", "query", "granted", "min_seconds"),
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
def test_wait_preference_is_granted_and_reported(
    as_user, teacher, headers, query, granted, min_seconds
):
    task = queue_task(teacher)

    answer, seconds = measure(
        lambda: as_user(teacher).get(f"/tasks/{task.pk}{query}", headers=headers)
    )

    assert answer.status_code == 200
    assert answer.get("Preference-Applied") == granted
    assert min_seconds - 0.05 <= seconds < min_seconds + 2


@pytest.mark.parametrize("wait", ["abc", "-1", "1.5", "", "1" * 10, "٣"])
def test_wait_that_is_not_a_number_is_refused(as_user, teacher, wait):
    answer = as_user(teacher).get(f"/tasks/{queue_task(teacher).pk}", {"wait": wait})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/wait"


def test_wait_above_25_seconds_is_shortened(as_user, teacher):
    done = run_task(teacher)

    answer = as_user(teacher).get(f"/tasks/{done.pk}", headers={"Prefer": "wait=600"})

    assert answer["Preference-Applied"] == "wait=25"


def test_poll_of_final_task_does_not_wait(as_user, teacher):
    done = run_task(teacher)

    _answer, seconds = measure(
        lambda: as_user(teacher).get(f"/tasks/{done.pk}?wait=20")
    )

    assert seconds < 3


def test_wait_ends_on_claim(as_user, teacher, during_wait):
    task = queue_task(teacher)
    during_wait(lambda: projection.sync_document(lifecycle.claim(task.pk) or task))

    answer, seconds = measure(lambda: as_user(teacher).get(f"/tasks/{task.pk}?wait=20"))

    assert answer.json()["state"] == "running"
    assert seconds < 5


def test_wait_ends_on_cancel_request(as_user, teacher, during_wait):
    task = queue_task(teacher)
    projection.sync_document(lifecycle.claim(task.pk))
    during_wait(lambda: lifecycle.cancel(task))

    answer, seconds = measure(lambda: as_user(teacher).get(f"/tasks/{task.pk}?wait=20"))

    assert answer.json()["cancel_requested_at"]
    assert seconds < 5


@pytest.mark.guarantee("A wait ends when its viewer loses the right.")
def test_wait_of_viewer_who_loses_access_ends_with_404(
    as_user, teacher, during_wait, django_capture_on_commit_callbacks
):
    task = queue_task(teacher)

    def revoke_access():
        with django_capture_on_commit_callbacks(execute=True):
            Attachment.objects.filter(user=teacher).delete()

    during_wait(revoke_access)

    answer, seconds = measure(lambda: as_user(teacher).get(f"/tasks/{task.pk}?wait=20"))

    assert answer.status_code == 404
    assert seconds < 5


@pytest.mark.guarantee("A wait ends at once when the session of its viewer ends.")
@pytest.mark.parametrize("request_kind", ["poll", "submit"])
@pytest.mark.parametrize(
    "change", ["disable", "disable_by_update", "log_out_everywhere"]
)
def test_wait_of_ended_session_ends_with_401(
    as_user, teacher, during_wait, django_capture_on_commit_callbacks, change, request_kind
):  # fmt: skip
    task, client = queue_task(teacher), as_user(teacher)

    def end_sessions():
        user = User.objects.get(pk=teacher.pk)
        with django_capture_on_commit_callbacks(execute=True):
            if change == "disable":
                user.is_active = False
                user.save()
            elif change == "disable_by_update":
                User.objects.filter(pk=teacher.pk).update(is_active=False)
            else:
                user.end_sessions()

    during_wait(end_sessions)
    if request_kind == "poll":
        answer, seconds = measure(lambda: client.get(f"/tasks/{task.pk}?wait=20"))
    else:
        body = {"report": "class_performance", "parameters": {"class_id": 2}}
        answer, seconds = measure(lambda: client.post_json("/reports?wait=20", body))

    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert seconds < 5


def test_unchanged_document_returns_304_with_retry_after(as_user, teacher):
    client, path = as_user(teacher), f"/tasks/{queue_task(teacher).pk}"
    first = client.get(path)

    again = client.get(path, headers={"If-None-Match": first["ETag"]})

    assert again.status_code == 304
    assert not again.content
    assert again["ETag"] == first["ETag"]
    assert int(again["Retry-After"]) >= 1


def test_unchanged_document_with_wait_returns_304_at_its_end(as_user, teacher):
    client, path = as_user(teacher), f"/tasks/{queue_task(teacher).pk}?wait=1"
    etag = client.get(path.partition("?")[0])["ETag"]

    answer, seconds = measure(lambda: client.get(path, headers={"If-None-Match": etag}))

    assert answer.status_code == 304
    assert seconds >= 1


def test_document_with_stale_etag_is_returned_without_waiting(as_user, teacher):
    client, path = as_user(teacher), f"/tasks/{queue_task(teacher).pk}?wait=20"

    answer, seconds = measure(
        lambda: client.get(path, headers={"If-None-Match": 'W/"old"'})
    )

    assert answer.status_code == 200
    assert seconds < 3


def test_document_etag_is_equal_from_redis_and_from_row(as_user, teacher):
    for task in (run_task(teacher), lifecycle.cancel(queue_task(teacher))):
        client, path = as_user(teacher), f"/tasks/{task.pk}"
        from_redis = client.get(path)
        redis_store.client().delete(f"celery-task-meta-{task.pk}")

        assert client.get(path)["ETag"] == from_redis["ETag"]


def test_document_etag_ignores_queue_position(as_user, teacher):
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


def test_submit_with_wait_returns_finished_task(as_user, teacher, during_wait):
    body = {"report": "class_performance", "parameters": {"class_id": 1}}
    during_wait(lambda: [generate_report(str(t.pk)) for t in teacher.tasks.all()])

    answer = as_user(teacher).post(
        "/reports", body, content_type="application/json", headers={"Prefer": "wait=20"}
    )

    assert answer.status_code == 200
    assert answer.json()["state"] == "succeeded"
    assert answer["Location"] == f"/tasks/{answer.json()['task_id']}"
    assert answer["Preference-Applied"] == "wait=20"


def test_submit_with_elapsed_wait_returns_202(as_user, teacher):
    body = {"report": "class_performance", "parameters": {"class_id": 1}}

    answer, seconds = measure(
        lambda: as_user(teacher).post(
            "/reports?wait=1", body, content_type="application/json"
        )
    )

    assert answer.status_code == 202
    assert seconds >= 1


def test_poll_without_waiter_capacity_does_not_wait(as_user, teacher, monkeypatch):
    monkeypatch.setattr(waiters, "MAX_WAITERS", 0)
    path = f"/tasks/{queue_task(teacher).pk}"

    answer, seconds = measure(
        lambda: as_user(teacher).get(path, headers={"Prefer": "wait=20"})
    )

    assert answer.status_code == 200
    assert "Preference-Applied" not in answer
    assert seconds < 3


def test_submit_with_invalid_wait_creates_no_task(as_user, teacher):
    body = {"report": "class_performance", "parameters": {"class_id": 1}}

    answer = as_user(teacher).post_json("/reports?wait=soon", body)

    assert answer.status_code == 400
    assert not teacher.tasks.exists()
