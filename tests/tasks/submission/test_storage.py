"""Storage limit of a requester, and free space of the artifact volume."""

from datetime import timedelta

import pytest

from tasks import artifacts
from tasks.errors import ResultExpired
from tasks.models import Task
from tasks.status import downloads
from tasks.submission import storage
from tasks.worker.tasks import generate_report
from tests.support.contract import ContractClient
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db

BODY = {"report": "class_performance", "parameters": {"class_id": 2}, "format": "csv"}


def download(task, viewer):
    downloads.open_result(downloads.find_result(task.pk, viewer), viewer).close()


@pytest.fixture
def no_grace(monkeypatch):
    """Downloads that count as long past."""
    monkeypatch.setattr(storage, "DOWNLOAD_GRACE", timedelta(days=-1))


@pytest.fixture
def results(teacher, settings):
    """Two results of the teacher, which together have the maximum size."""
    tasks = [run_task(teacher, format="csv") for _ in range(2)]
    settings.MAX_RESULT_BYTES_PER_USER = sum(task.result["bytes"] for task in tasks)
    return tasks


@pytest.mark.guarantee("One user's results cannot fill the disk.")
@pytest.mark.usefixtures("no_grace")
def test_downloaded_result_makes_room_and_says_why(as_user, teacher, results):
    downloaded, other = results
    download(downloaded, teacher)

    answer = as_user(teacher).post_json("/reports", BODY)

    assert answer.status_code == 202
    document = as_user(teacher).get(f"/tasks/{downloaded.pk}").json()
    assert (document["state"], document["expiry_reason"]) == (
        "expired",
        "storage_limit",
    )
    gone = as_user(teacher).get(f"/tasks/{downloaded.pk}/result")
    assert (gone.status_code, gone.json()["code"]) == (410, "result_expired")
    assert gone.json()["detail"] == str(ResultExpired("storage_limit"))
    assert not artifacts.exists(downloaded.artifact)
    assert artifacts.exists(other.artifact)


@pytest.mark.guarantee("One user's results cannot fill the disk.")
def test_results_that_were_not_downloaded_stay_and_request_gets_429(
    as_user, teacher, secretary, results
):
    for key in ("first", "second"):
        answer = as_user(teacher).post_json(
            "/reports", BODY, headers={"Idempotency-Key": key}
        )
        document = answer.json()
        assert (answer.status_code, document["code"]) == (429, "too_many_results")
        size = sum(task.result["bytes"] for task in results)
        assert document["storage"] == {"stored_bytes": size, "limit_bytes": size}
        assert answer["Retry-After"] == "3600"

    assert all(artifacts.exists(task.artifact) for task in results)
    assert as_user(secretary).post_json("/reports", BODY).status_code == 202


def test_result_of_recent_download_is_kept(as_user, teacher, results):
    download(results[0], teacher)

    assert as_user(teacher).post_json("/reports", BODY).status_code == 429
    assert artifacts.exists(results[0].artifact)


def test_deleted_result_makes_room(as_user, teacher, results):
    as_user(teacher).delete(f"/tasks/{results[0].pk}")

    assert as_user(teacher).post_json("/reports", BODY).status_code == 202


def test_report_that_waits_while_limit_is_reached_fails_with_its_reason(
    teacher, settings
):
    waiting = queue_task(teacher)
    settings.MAX_RESULT_BYTES_PER_USER = run_task(teacher, format="csv").result["bytes"]

    generate_report(str(waiting.pk))

    waiting.refresh_from_db()
    assert (waiting.state, waiting.error["code"]) == ("failed", "storage_full")


@pytest.mark.guarantee("Reports are refused before the disk is full.")
def test_request_with_little_free_disk_gets_503_and_results_stay_readable(
    as_user, teacher, settings
):
    task = run_task(teacher, format="csv")
    settings.MIN_FREE_DISK_BYTES = artifacts.free_bytes() + 2**40

    answer = as_user(teacher).post_json("/reports", BODY)

    assert (answer.status_code, answer.json()["code"]) == (503, "disk_nearly_full")
    assert answer["Retry-After"] == "60"
    assert Task.objects.count() == 1
    file = as_user(teacher).get(f"/tasks/{task.pk}/result")
    assert b"".join(file.streaming_content) == artifacts.read_artifact(task.artifact)
    readiness = ContractClient().get("/readyz")
    assert (readiness.status_code, readiness.json()["checks"]["disk"]) == (503, False)
