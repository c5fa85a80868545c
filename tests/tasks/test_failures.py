import json

import pytest

from tasks import failures, lifecycle, redis_store
from tasks.failures import FAILURES, AccessRevoked, DataError, ReportFailed, WorkerLost
from tasks.maintenance import lease_recovery, tasks
from tasks.models import Task
from tasks.status import document, reader
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db

TITLES = {"pt-BR": "Há um erro nos registros", "en": "Inconsistent records"}


def fail_task(teacher, error, language):
    task = lifecycle.claim(queue_task(teacher, language=language).pk)
    lifecycle.fail(task, error)
    return Task.objects.get(pk=task.pk)


@pytest.mark.guarantee("Every problem code has its page.")
def test_failures_table_lists_every_failure_class():
    failure_classes = {
        value
        for value in vars(failures).values()
        if isinstance(value, type) and issubclass(value, ReportFailed)
    }

    assert set(FAILURES.values()) == failure_classes - {ReportFailed}


@pytest.mark.guarantee("A task's texts are in the language of the task.")
@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("pt-BR", "Quem pediu o relatório não pode mais ver o que ele mostraria."),
        ("en", "The requester may no longer see what the report would show."),
    ],
)
def test_failure_detail_is_in_task_language(teacher, language, detail):
    task = fail_task(teacher, AccessRevoked(), language)

    assert task.error == {"code": "forbidden", "detail": detail}


@pytest.mark.guarantee("A task's texts are in the language of the task.")
@pytest.mark.parametrize(
    ("language", "beginning"), [("pt-BR", "O processo"), ("en", "The workers")]
)
def test_worker_lost_detail_is_in_task_language(teacher, language, beginning):
    task = lifecycle.claim(queue_task(teacher, language=language).pk)
    Task.objects.update(lease_until="2020-01-01T00:00:00Z", attempt=3)

    lease_recovery.recover_tasks()

    task.refresh_from_db()
    assert task.error["code"] == WorkerLost.code
    assert task.error["detail"].startswith(beginning)


@pytest.mark.parametrize(
    ("language", "beginning"), [("pt-BR", "Os detalhes"), ("en", "The details")]
)
def test_erased_failure_detail_is_in_task_language(teacher, language, beginning):
    task = fail_task(teacher, DataError("Enrolment 7 has no class."), language)
    Task.objects.update(expires_at="2020-01-01T00:00:00Z")

    tasks.expire_due_tasks()

    task.refresh_from_db()
    assert task.error["detail"].startswith(beginning)


@pytest.mark.parametrize(
    ("language", "beginning"), [("pt-BR", "Não há nenhum"), ("en", "No student")]
)
def test_empty_report_summary_is_in_task_language(teacher, language, beginning):
    task = run_task(teacher, {"year": 1999}, language=language)

    assert task.result["summary"].startswith(beginning)


@pytest.mark.parametrize(("language", "title"), TITLES.items())
def test_document_error_is_problem_document(teacher, language, title):
    task = fail_task(teacher, DataError("Enrolment 7 has no class."), language)

    assert document.build_document(task)["error"] == {
        "type": "/problems/data_error",
        "title": title,
        "code": "data_error",
        "detail": "Enrolment 7 has no class.",
    }


@pytest.mark.guarantee("Failures stored by an earlier release are shown.")
def test_failure_with_removed_code_is_shown(teacher):
    fail_task(teacher, DataError("Enrolment 7 has no class."), "en")
    Task.objects.update(error={"code": "old", "detail": "Of an earlier release."})

    error = document.build_document(Task.objects.get())["error"]

    assert error["title"] == "The report could not be made"
    assert error["detail"] == "Of an earlier release."


@pytest.mark.guarantee("Failures stored by an earlier release are shown.")
def test_document_of_earlier_release_gets_problem_fields(as_user, teacher, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(document, "build_problem", lambda error, language: error)
        task = fail_task(teacher, DataError("Enrolment 7 has no class."), "pt-BR")
    stored = json.loads(redis_store.get_cached_task(task.pk, teacher.pk).document)
    assert "title" not in stored["error"]

    error = as_user(teacher).get(f"/tasks/{task.pk}").json()["error"]

    assert error == document.build_document(task)["error"]
    assert reader.from_row(task).state == "failed"
