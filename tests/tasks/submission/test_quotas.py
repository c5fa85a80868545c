from datetime import timedelta

import pytest
from django.db.models.functions import Now

from school.access import visible_enrolments
from tasks import lifecycle, redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.models import Task
from tasks.progress import Progress
from tasks.status import projection
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db

BODY = {"report": "class_performance", "parameters": {"class_id": 2}}


@pytest.mark.guarantee("Requesters and queues have limits.")
def test_requester_over_active_limit_gets_429_with_load(
    as_user, teacher, secretary, settings
):
    settings.MAX_ACTIVE_PER_ROLE = {"teacher": 3, "staff": 1000}
    lifecycle.claim(queue_task(teacher).pk)
    for viewer in (teacher, teacher, secretary):
        queue_task(viewer)

    answer = as_user(teacher).post_json("/reports", BODY)

    document = answer.json()
    assert (answer.status_code, document["code"]) == (429, "too_many_active")
    assert answer["Retry-After"] == "10"  # no similar report has ended yet
    assert answer["RateLimit-Policy"] == '"active-reports";q=3;qu="concurrent-requests"'
    assert answer["RateLimit"] == '"active-reports";r=0;t=10'
    assert document["load"] == {
        "own_queued": 2, "own_running": 1, "queue_length": 3, "limit": 3,
    }  # fmt: skip
    assert Task.objects.count() == 4
    assert as_user(secretary).post_json("/reports", BODY).status_code == 202


@pytest.mark.parametrize(
    ("done_seconds", "expected_seconds", "retry_after"),
    [(20, 60, "40"), (0, 0.5, "1"), (50, 30, "20"), (0, 3600, "300")],
    ids=["in time", "soon", "overdue", "far away"],
)
def test_retry_after_of_full_requester_follows_their_own_tasks(
    as_user, teacher, settings, done_seconds, expected_seconds, retry_after
):
    settings.MAX_ACTIVE_PER_ROLE = {"teacher": 2}
    queue_task(teacher)
    task = lifecycle.claim(queue_task(teacher).pk)
    Task.objects.filter(pk=task.pk).update(
        expected_duration=timedelta(seconds=expected_seconds),
        deadline=Now() + task.time_limit - timedelta(seconds=done_seconds),
    )
    projection.resync_document(task.pk)

    answer = as_user(teacher).post_json("/reports", BODY)

    assert answer.json()["code"] == "too_many_active"
    assert abs(int(answer["Retry-After"]) - int(retry_after)) <= 3
    assert answer["RateLimit"].endswith(f";t={answer['Retry-After']}")


def test_retry_after_of_full_requester_uses_the_progress(as_user, teacher, settings):
    settings.MAX_ACTIVE_PER_ROLE = {"teacher": 1}
    task = lifecycle.claim(queue_task(teacher).pk)
    projection.sync_document(task)
    progress = Progress("writing", 7, 9, seconds_left=30)
    projection.update_progress(task, progress, sequence=900)

    answer = as_user(teacher).post_json("/reports", BODY)

    assert 25 <= int(answer["Retry-After"]) <= 31


def test_retry_after_of_full_requester_without_redis_is_a_guess(
    as_user, teacher, settings, monkeypatch
):
    settings.MAX_ACTIVE_PER_ROLE = {"teacher": 1}
    queue_task(teacher)

    def raise_unavailable(_task_ids, _viewer_id):
        raise RedisUnavailable

    monkeypatch.setattr(redis_store, "get_cached_tasks", raise_unavailable)

    answer = as_user(teacher).post_json("/reports", BODY)

    assert (answer.status_code, answer["Retry-After"]) == (429, "10")


def test_rate_limit_counts_down_with_each_new_task(as_user, teacher, settings):
    settings.MAX_ACTIVE_PER_ROLE = {"teacher": 3}
    client, first = as_user(teacher), run_task(teacher)

    def rate_limit(response):
        return response.get("RateLimit")

    submitted = client.post_json("/reports", BODY)
    joined = client.post_json("/reports", BODY)
    again = client.post_json(f"/tasks/{first.pk}/rerun")

    assert rate_limit(submitted) == '"active-reports";r=2'
    assert rate_limit(joined) is None  # no new task
    assert joined["RateLimit-Policy"] == submitted["RateLimit-Policy"]
    assert rate_limit(again) == '"active-reports";r=1'


def test_final_tasks_do_not_count_as_active(as_user, teacher, settings):
    settings.MAX_ACTIVE_PER_ROLE = {"teacher": 1}
    run_task(teacher)
    lifecycle.cancel(queue_task(teacher))

    assert as_user(teacher).post_json("/reports", BODY).status_code == 202


@pytest.mark.guarantee("Requesters and queues have limits.")
def test_full_queue_returns_429_and_other_queue_accepts(
    as_user, teacher, secretary, settings
):
    settings.MAX_QUEUED = 2
    queue_task(teacher)
    queue_task(secretary)

    answer = as_user(teacher).post_json("/reports", BODY)

    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert answer.json()["load"]["limit"] == 2
    queue_task(teacher, {}, kind="bulk_slow")


def test_retry_after_follows_queue_throughput(as_user, teacher, settings):
    for _ in range(7):
        queue_task(teacher)
    Task.objects.update(started_at=Now())
    settings.MAX_QUEUED = 7

    answer = as_user(teacher).post_json("/reports", BODY)

    assert answer["Retry-After"] == "9"


@pytest.mark.parametrize(
    ("username", "expected"), [("guardian", 429), ("secretary", 202)]
)
def test_active_limit_depends_on_role(as_user, username, expected, django_user_model):
    viewer = django_user_model.objects.get(username=username)
    class_id = visible_enrolments(viewer).first().school_class_id
    for _ in range(20):
        queue_task(viewer, {"class_id": class_id}, kind="report_card")

    answer = as_user(viewer).post_json(
        "/reports", {"report": "report_card", "parameters": {"class_id": class_id}},
        headers={"Idempotency-Key": "one-more"},
    )  # fmt: skip

    assert answer.status_code == expected
