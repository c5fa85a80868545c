"""Repetition of a task's request with `POST /tasks/<id>/rerun`."""

import threading

import pytest
from django.db import connection

from school.models import Attachment
from tasks import lifecycle
from tasks.models import AccessLogEntry, Task
from tasks.submission.service import submit_report
from tasks.submission.validation import ReportRequest
from tasks.worker.tasks import generate_report
from tests.support.contract import ContractClient
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db

REQUEST_FIELDS = (
    "report", "title", "about", "parameters", "format", "language", "label", "metadata",
)  # fmt: skip


def rerun(client, task, **headers):
    return client.post(f"/tasks/{task.pk}/rerun", headers=headers)


def test_rerun_creates_a_new_task_with_the_same_request(as_user, teacher):
    request = ReportRequest(
        "class_performance",
        {"class_id": 1},
        "csv",
        "en",
        label="mine",
        metadata={"a": "b"},
    )
    task = submit_report(teacher, request).task
    generate_report(str(task.pk))
    client = as_user(teacher)
    original = client.get(f"/tasks/{task.pk}").json()

    answer = client.post(original["links"]["rerun"])

    again = answer.json()
    assert (answer.status_code, again["state"]) == (202, "queued")
    assert again["task_id"] != original["task_id"]
    assert answer["Location"] == again["links"]["self"]
    assert {again[name] == original[name] for name in REQUEST_FIELDS} == {True}
    entry = AccessLogEntry.objects.first()
    assert (entry.action, str(entry.task_id)) == ("created", again["task_id"])


def test_rerun_of_queued_task_without_key_joins_it(as_user, teacher):
    task = queue_task(teacher)

    assert rerun(as_user(teacher), task).json()["task_id"] == str(task.pk)


def test_rerun_repeated_with_its_key_returns_the_same_task(as_user, teacher):
    task, client = run_task(teacher), as_user(teacher)

    first = rerun(client, task, Idempotency_Key="again")
    generate_report(first.json()["task_id"])
    second = rerun(client, task, Idempotency_Key="again")

    assert first.json()["task_id"] == second.json()["task_id"] != str(task.pk)
    assert second["Idempotency-Replayed"] == "true"
    assert Task.objects.count() == 2


def test_rerun_with_the_key_of_another_request_is_refused(as_user, teacher):
    client, first, other = as_user(teacher), run_task(teacher), run_task(teacher)
    Task.objects.filter(pk=other.pk).update(format="csv")
    rerun(client, first, Idempotency_Key="again")

    assert rerun(client, other, Idempotency_Key="again").status_code == 422


def test_rerun_of_erased_task_returns_410(as_user, teacher):
    task = run_task(teacher)
    lifecycle.erase(task)

    answer = rerun(as_user(teacher), task)

    assert (answer.status_code, answer.json()["code"]) == (410, "request_erased")
    assert Task.objects.count() == 1


def test_rerun_beyond_the_limit_of_active_tasks_returns_429(as_user, teacher, settings):
    task = run_task(teacher)
    settings.MAX_ACTIVE_PER_ROLE = {"teacher": 1}
    queue_task(teacher, {"class_id": 2})

    answer = rerun(as_user(teacher), task)

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_active")


@pytest.mark.guarantee("A report is requested again by the rights of now.")
def test_rerun_after_the_right_is_lost_returns_404(as_user, teacher):
    task = run_task(teacher)
    Attachment.objects.filter(user=teacher).delete()

    assert rerun(as_user(teacher), task).status_code == 404


def test_rerun_with_wait_returns_the_running_task_in_time(as_user, teacher):
    task = run_task(teacher)

    answer = as_user(teacher).post(f"/tasks/{task.pk}/rerun?wait=1")

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


def test_concurrent_reruns_with_one_key_create_one_task(transactional_db, teacher):
    task = run_task(teacher)
    clients = [ContractClient.for_user(teacher) for _ in range(6)]
    answers = []

    def send(client):
        answers.append(rerun(client, task, Idempotency_Key="again"))
        connection.close()

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    accepted = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 429, 503}
    assert len({answer.json()["task_id"] for answer in accepted}) == 1
    assert Task.objects.count() == 2
