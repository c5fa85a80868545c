import pytest
from django.db.models.functions import Now

from school.access import visible_enrolments
from tasks import lifecycle
from tasks.models import Task
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
    assert answer["Retry-After"] == "60"  # one started in the last minute
    assert document["load"] == {
        "own_queued": 2, "own_running": 1, "queue_length": 3, "limit": 3,
    }  # fmt: skip
    assert Task.objects.count() == 4
    assert as_user(secretary).post_json("/reports", BODY).status_code == 202


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
