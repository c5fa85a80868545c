"""`ETag` and long polling of the task list."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.http import admission
from school.models import Attachment, User
from tasks import lifecycle, redis_store
from tasks.maintenance import retention
from tasks.progress import Progress
from tasks.scheduling import positions
from tasks.scheduling.fair_order import QueuedTask
from tasks.status import projection, waiters
from tests.support.task_factories import create_task_in_state, queue_task, run_task

pytestmark = pytest.mark.django_db


def follow(client, etag, query="", seconds=20):
    """Send a long poll of the list; return the response and the elapsed seconds."""
    started_at = time.monotonic()
    answer = client.get(
        f"/tasks?wait={seconds}{query}", headers={"If-None-Match": etag}
    )
    return answer, time.monotonic() - started_at


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_unchanged_list_returns_304(as_user, teacher, state):
    create_task_in_state(state, teacher)
    client = as_user(teacher)
    first = client.get("/tasks")

    again = client.get("/tasks", headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert ("Retry-After" in again) == (state != "succeeded")


def test_list_shows_progress_and_queue_position_of_redis(as_user, teacher):
    queued = queue_task(teacher)
    running = create_task_in_state("running", teacher)
    projection.update_progress(running, Progress("writing", 7, 9), sequence=900)
    samples = positions.sample_positions([QueuedTask(queued.pk, teacher.pk, 1)], [4.0])
    redis_store.set_queue_positions({teacher.pk: {"reports": samples[teacher.pk]}})

    entries = as_user(teacher).get("/tasks").json()["results"]

    assert entries[0]["progress"]["done"] == 7
    assert entries[1]["queue"] == {"position": 1, "estimated_wait_seconds": 4}


def test_list_equals_the_tasks_of_single_polls(as_user, teacher):
    for state in ("queued", "running", "failed", "canceled", "expired"):
        create_task_in_state(state, teacher)
    client = as_user(teacher)

    def stored(document):
        return {
            n: v for n, v in document.items() if n not in {"queue", "poll_after_ms"}
        }

    for entry in client.get("/tasks").json()["results"]:
        assert stored(entry) == stored(client.get(entry["links"]["self"]).json())


CHANGES = {
    "new task": lambda task: queue_task(task.requester),
    "claim": lambda task: projection.sync_document(lifecycle.claim(task.pk)),
    "cancel": lifecycle.cancel,
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_any_own_task_ends_the_wait(as_user, teacher, during_wait, change):
    run_task(teacher)
    task = queue_task(teacher)
    client = as_user(teacher)
    etag = client.get("/tasks")["ETag"]
    changes = [CHANGES[change]]
    during_wait(lambda: changes and changes.pop()(task))

    answer, elapsed = follow(client, etag)

    assert answer.status_code == 200
    assert elapsed < 5
    assert answer["ETag"] != etag


@pytest.mark.parametrize("removal", ["expiry", "deletion"])
def test_removal_of_a_task_ends_the_wait(as_user, teacher, during_wait, removal):
    task, client = run_task(teacher), as_user(teacher)
    etag = client.get("/tasks")["ETag"]
    actions = [
        lambda: (
            lifecycle.erase(task)
            if removal == "expiry"
            else retention.delete_task(task, teacher)
        )
    ]
    during_wait(lambda: actions and actions.pop()())

    answer, elapsed = follow(client, etag)

    assert elapsed < 5
    assert [e["state"] for e in answer.json()["results"]] == (
        ["expired"] if removal == "expiry" else []
    )


def test_wait_with_filter_goes_on_after_other_changes(as_user, teacher, during_wait):
    task, client = queue_task(teacher), as_user(teacher)
    query = "&state=succeeded,failed"
    etag = client.get(f"/tasks?{query[1:]}")["ETag"]
    during_wait(lambda: lifecycle.cancel(task))

    answer, elapsed = follow(client, etag, query, seconds=2)

    assert answer.status_code == 304
    assert elapsed >= 2


def test_changes_of_others_cause_no_reads(as_user, teacher, stranger, during_wait):
    other, client = queue_task(stranger, {"class_id": 3}), as_user(teacher)
    queue_task(teacher)
    etag = client.get("/tasks")["ETag"]
    during_wait(lambda: lifecycle.cancel(other))

    with CaptureQueriesContext(connection) as queries:
        answer, _elapsed = follow(client, etag, seconds=2)

    page_reads = [
        q for q in queries if 'FROM "tasks_task"' in q["sql"] and "ORDER" in q["sql"]
    ]
    assert answer.status_code == 304
    # At the start, when the listener was ready, and at the end.
    assert len(page_reads) <= 3


def test_stale_etag_is_answered_without_waiting(as_user, teacher):
    queue_task(teacher)

    answer, elapsed = follow(as_user(teacher), 'W/"old"')

    assert answer.status_code == 200
    assert elapsed < 3


def test_progress_alone_does_not_end_the_wait_at_once(as_user, teacher, during_wait):
    task, client = create_task_in_state("running", teacher), as_user(teacher)
    etag = client.get("/tasks")["ETag"]
    during_wait(
        lambda: projection.update_progress(
            task, Progress("writing", 7, 9), sequence=900
        )
    )

    answer, elapsed = follow(client, etag, seconds=2)

    assert elapsed >= 2
    assert answer.status_code == 200  # it is told at the end
    assert answer.json()["results"][0]["progress"]["done"] == 7


def test_progress_ends_the_wait_after_a_while(
    as_user, teacher, during_wait, monkeypatch
):
    monkeypatch.setattr(waiters, "MIN_PROGRESS_SECONDS", 1.5)
    task, client = create_task_in_state("running", teacher), as_user(teacher)
    etag = client.get("/tasks")["ETag"]
    during_wait(
        lambda: projection.update_progress(
            task, Progress("writing", 7, 9), sequence=900
        )
    )

    answer, elapsed = follow(client, etag)

    assert 1.4 < elapsed < 6
    assert answer.json()["results"][0]["progress"]["done"] == 7


@pytest.mark.guarantee("A wait ends when its viewer loses the right.")
def test_wait_of_viewer_who_loses_access_ends_with_the_shorter_list(
    as_user, teacher, during_wait, django_capture_on_commit_callbacks
):
    queue_task(teacher)
    client = as_user(teacher)
    etag = client.get("/tasks")["ETag"]

    def revoke_access():
        with django_capture_on_commit_callbacks(execute=True):
            Attachment.objects.filter(user=teacher).delete()

    during_wait(revoke_access)

    answer, elapsed = follow(client, etag)

    assert answer.json()["results"] == []
    assert elapsed < 5


@pytest.mark.guarantee("A wait ends at once when the session of its viewer ends.")
def test_wait_of_ended_session_ends_with_401(
    as_user, teacher, during_wait, django_capture_on_commit_callbacks
):
    queue_task(teacher)
    client = as_user(teacher)
    etag = client.get("/tasks")["ETag"]

    def end_sessions():
        with django_capture_on_commit_callbacks(execute=True):
            User.objects.get(pk=teacher.pk).end_sessions()

    during_wait(end_sessions)

    answer, elapsed = follow(client, etag)

    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert elapsed < 5


def test_wait_beyond_the_limit_of_a_user_is_answered_at_once(
    as_user, teacher, monkeypatch
):
    monkeypatch.setattr(admission, "list_waits", admission.UserLimiter(1))
    client = as_user(teacher)
    etag = client.get("/tasks")["ETag"]

    with admission.list_waits.admit(teacher.pk):
        answer = client.get(
            "/tasks", headers={"If-None-Match": etag, "Prefer": "wait=20"}
        )

    assert answer.status_code == 304
    assert "Preference-Applied" not in answer
    assert int(answer["Retry-After"]) > 0


def test_links_to_other_pages_do_not_wait(as_user, teacher):
    for _ in range(2):
        queue_task(teacher)

    page = as_user(teacher).get("/tasks?page_size=1&wait=1").json()

    assert "wait" not in page["next"]
