import json

import pytest

from tasks import errors, lifecycle, redis_store
from tasks.errors import FAILURES, AccessRevoked, DataError, ReportFailed, WorkerLost
from tasks.maintenance import lease_recovery, tasks
from tasks.models import Task
from tasks.status import document, reader
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db

TITLES = {"pt-BR": "Há um erro nos registros", "en": "The records cannot be right"}


def fail_task(teacher, error, language):
    task = lifecycle.claim(queue_task(teacher, language=language).pk)
    lifecycle.fail(task, error)
    return Task.objects.get(pk=task.pk)


@pytest.mark.guarantee("Every problem code has its page.")
def test_every_failure_is_in_the_table():
    of_code = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, ReportFailed)
    }

    assert set(FAILURES.values()) == of_code - {ReportFailed}


@pytest.mark.guarantee("A task's texts are in the language of the task.")
@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("pt-BR", "Quem pediu o relatório não pode mais ver o que ele mostraria."),
        ("en", "The requester may no longer see what the report would show."),
    ],
)
def test_failure_is_told_in_the_task_s_language(teacher, language, detail):
    task = fail_task(teacher, AccessRevoked(), language)

    assert task.error == {"code": "forbidden", "detail": detail}


@pytest.mark.guarantee("A task's texts are in the language of the task.")
@pytest.mark.parametrize(
    ("language", "beginning"), [("pt-BR", "O processo"), ("en", "The workers")]
)
def test_failure_of_a_silent_worker_too(teacher, language, beginning):
    task = lifecycle.claim(queue_task(teacher, language=language).pk)
    Task.objects.update(lease_until="2020-01-01T00:00:00Z", attempt=3)

    lease_recovery.recover_tasks()

    task.refresh_from_db()
    assert task.error["code"] == WorkerLost.code
    assert task.error["detail"].startswith(beginning)


@pytest.mark.parametrize(
    ("language", "beginning"), [("pt-BR", "Os detalhes"), ("en", "Its details")]
)
def test_failure_past_its_time_too(teacher, language, beginning):
    task = fail_task(teacher, DataError("Enrolment 7 has no class."), language)
    Task.objects.update(expires_at="2020-01-01T00:00:00Z")

    tasks.expire_due_tasks()

    task.refresh_from_db()
    assert task.error["detail"].startswith(beginning)


@pytest.mark.parametrize(
    ("language", "beginning"), [("pt-BR", "Não há nenhum"), ("en", "No student")]
)
def test_summary_of_no_rows_is_in_the_task_s_language(teacher, language, beginning):
    task = run_task(teacher, {"year": 1999}, language=language)

    assert task.result["summary"].startswith(beginning)


@pytest.mark.parametrize(("language", "title"), TITLES.items())
def test_failure_in_the_document_is_a_problem(teacher, language, title):
    task = fail_task(teacher, DataError("Enrolment 7 has no class."), language)

    assert document.build_document(task)["error"] == {
        "type": "/problems/data_error",
        "title": title,
        "code": "data_error",
        "detail": "Enrolment 7 has no class.",
    }


@pytest.mark.guarantee("Failures that an earlier release has stored are shown.")
def test_failure_of_a_code_that_is_no_more_is_shown(teacher):
    fail_task(teacher, DataError("Enrolment 7 has no class."), "en")
    Task.objects.update(error={"code": "old", "detail": "Of an earlier release."})

    error = document.build_document(Task.objects.get())["error"]

    assert error["title"] == "The report could not be made"
    assert error["detail"] == "Of an earlier release."


@pytest.mark.guarantee("Failures that an earlier release has stored are shown.")
def test_document_of_an_earlier_release_gets_what_it_lacks(
    as_user, teacher, monkeypatch
):
    with monkeypatch.context() as earlier:
        earlier.setattr(document, "build_problem", lambda error, language: error)
        task = fail_task(teacher, DataError("Enrolment 7 has no class."), "pt-BR")
    stored = json.loads(redis_store.get_cached_task(task.pk, teacher.pk).document)
    assert "title" not in stored["error"]

    error = as_user(teacher).get(f"/tasks/{task.pk}").json()["error"]

    assert error == document.build_document(task)["error"]
    assert reader.from_row(task).state == "failed"
