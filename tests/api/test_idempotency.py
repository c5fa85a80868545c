"""Repeated requests with an idempotency key and without one."""

import pytest
from django.utils import timezone

from school.models import Attachment
from tasks import lifecycle
from tasks.models import IdempotencyKey, Task
from tasks.worker.tasks import generate_report

pytestmark = pytest.mark.django_db

BODY = {"report": "class_performance", "parameters": {"class_id": 1}}
OTHER_BODY = {"report": "class_performance", "parameters": {"class_id": 2}}


def submit(client, idempotency_key: str | None, body=BODY):
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    return client.post(
        "/reports", body, content_type="application/json", headers=headers
    )


@pytest.mark.parametrize("key", ["a1", '"a1"', "x" * 255])
def test_repeated_key_returns_the_same_task(as_user, teacher, key):
    client = as_user(teacher)

    first, second = submit(client, key), submit(client, key)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["task_id"] == second.json()["task_id"]
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert Task.objects.count() == 1


def test_bare_key_equals_quoted_key(as_user, teacher):
    client = as_user(teacher)

    assert (
        submit(client, "a1").json()["task_id"]
        == submit(client, '"a1"').json()["task_id"]
    )


def test_replay_returns_current_state_of_task(as_user, teacher):
    client = as_user(teacher)
    first = submit(client, "a1").json()
    generate_report(first["task_id"])

    assert submit(client, "a1").json()["state"] == "succeeded"


@pytest.mark.guarantee("An idempotency key gives one task and accepts one request.")
def test_repeated_key_with_another_request_returns_422(as_user, teacher):
    client = as_user(teacher)
    submit(client, "a1")

    answer = submit(client, "a1", OTHER_BODY)

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert Task.objects.count() == 1


def test_refused_request_does_not_use_its_key(as_user, teacher):
    client = as_user(teacher)
    assert submit(client, "a1", {"report": "class_performance", "parameters": {"class_id": 999}}).status_code == 400  # fmt: skip

    assert submit(client, "a1").status_code == 202


def test_replay_is_answered_although_new_requests_are_refused(
    as_user, teacher, settings
):
    client = as_user(teacher)
    first = submit(client, "a1").json()["task_id"]
    settings.MIN_FREE_DISK_BYTES = 2**62

    assert submit(client, "a1").json()["task_id"] == first
    assert submit(client, "a1", OTHER_BODY).status_code == 422
    assert submit(client, "a2").status_code == 503


def test_replay_of_a_class_that_is_gone_returns_404(as_user, teacher):
    client = as_user(teacher)
    submit(client, "a1")
    Attachment.objects.filter(user=teacher, school_class=1).delete()

    assert submit(client, "a1").status_code == 404
    assert submit(client, "a2").status_code == 400


def test_key_expires_after_a_day(as_user, teacher):
    client = as_user(teacher)
    first = submit(client, "a1").json()["task_id"]
    almost_a_day_ago = timezone.now() - timezone.timedelta(hours=23, minutes=50)
    IdempotencyKey.objects.update(created_at=almost_a_day_ago)
    assert submit(client, "a1").json()["task_id"] == first

    IdempotencyKey.objects.update(
        created_at=almost_a_day_ago - timezone.timedelta(minutes=20)
    )

    assert submit(client, "a1").json()["task_id"] != first
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a b", '"a', 'a"'])
def test_invalid_key_is_refused(as_user, teacher, key):
    answer = submit(as_user(teacher), key)

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_idempotency_key"


def test_replay_of_purged_task_returns_410(as_user, teacher):
    client = as_user(teacher)
    first = submit(client, "a1").json()
    generate_report(first["task_id"])
    assert client.delete(first["links"]["self"]).status_code == 204

    assert submit(client, "a1").status_code == 410


@pytest.mark.guarantee("A request equal to a queued one joins it.")
def test_equal_queued_request_is_joined(as_user, teacher, secretary):
    client = as_user(teacher)
    first = submit(client, None).json()["task_id"]

    assert submit(client, None).json()["task_id"] == first
    assert submit(client, None, OTHER_BODY).json()["task_id"] != first
    assert submit(client, None, {**BODY, "format": "csv"}).json()["task_id"] != first
    assert submit(client, None, {**BODY, "language": "en"}).json()["task_id"] != first
    assert submit(as_user(secretary), None).json()["task_id"] != first
    # A key makes the request a separate one.
    assert submit(client, "a1").json()["task_id"] != first


def test_running_request_is_not_joined(as_user, teacher):
    client = as_user(teacher)
    first = submit(client, None).json()["task_id"]
    lifecycle.claim(first)

    assert submit(client, None).json()["task_id"] != first


def test_canceled_request_is_not_joined(as_user, teacher):
    client = as_user(teacher)
    first = submit(client, None).json()
    client.post_json(first["links"]["cancel"])

    again = submit(client, None).json()

    assert (again["task_id"] != first["task_id"], again["state"]) == (True, "queued")
