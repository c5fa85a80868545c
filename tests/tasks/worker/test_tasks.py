import threading
import time

import pytest
import structlog
from celery.signals import worker_before_create_process
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext_lazy, trans_real

from tasks import artifacts, lifecycle, redis_store
from tasks.errors import InvalidRequest
from tasks.failures import AccessRevoked, Canceled, LeaseLost
from tasks.maintenance import lease_recovery
from tasks.models import Task
from tasks.progress import Progress
from tasks.reporting import registry
from tasks.status import projection
from tasks.worker import heartbeat, startup, tasks
from tasks.worker.heartbeat import Heartbeat
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db


@pytest.mark.guarantee("A finished report waits for an unavailable database.")
def test_built_report_retries_until_database_returns(teacher, monkeypatch):
    task = queue_task(teacher)
    succeed, failures = lifecycle.succeed, iter([1, 1])

    def fail_twice(*args, **kwargs):
        if next(failures, None):
            raise OperationalError("database is locked")
        return succeed(*args, **kwargs)

    monkeypatch.setattr(lifecycle, "succeed", fail_twice)
    monkeypatch.setattr(tasks.time, "sleep", lambda seconds: None)
    tasks.generate_report(str(task.pk))

    task.refresh_from_db()
    assert task.state == "succeeded"
    assert artifacts.read_artifact(task.artifact)


def test_succeed_with_lost_reply_keeps_artifact(teacher, monkeypatch):
    """The database committed before the connection broke."""
    task = queue_task(teacher)
    succeed, failures = lifecycle.succeed, iter([1])

    def lose_reply(*args, **kwargs):
        succeeded = succeed(*args, **kwargs)
        if next(failures, None):
            raise OperationalError("server closed the connection unexpectedly")
        return succeeded

    monkeypatch.setattr(lifecycle, "succeed", lose_reply)
    monkeypatch.setattr(tasks.time, "sleep", lambda seconds: None)
    tasks.generate_report(str(task.pk))

    task.refresh_from_db()
    assert task.state == "succeeded"
    assert artifacts.read_artifact(task.artifact)


@pytest.mark.guarantee("Infrastructure errors are retried a bounded number of times.")
@pytest.mark.parametrize(
    "error",
    [
        OperationalError("server closed the connection unexpectedly"),
        OSError(28, "No space left on device"),
        InvalidRequest(),  # raised by another release that lacks the kind
    ],
)
def test_infrastructure_error_is_retried_then_fails_as_internal(
    teacher, monkeypatch, error
):
    task = queue_task(teacher)

    def fail(*_args):
        raise error

    monkeypatch.setattr(tasks, "build_report", fail)
    for attempt in (1, 2, 3):
        tasks.generate_report(str(task.pk))
        task.refresh_from_db()
        assert task.attempt == attempt
        # It stays running until the lease expires; the last attempt ends it.
        assert task.state == ("failed" if attempt == 3 else "running")
        Task.objects.filter(pk=task.pk).update(lease_until="2020-01-01T00:00:00Z")
        lease_recovery.recover_tasks()

    task.refresh_from_db()
    assert task.error["code"] == "internal"


def test_internal_error_exposes_only_its_reference(as_user, teacher, caplog):
    task = run_task(teacher, {"of": "code"}, kind="failing")

    error = as_user(teacher).get(f"/tasks/{task.pk}").json()["error"]

    assert error["code"] == "internal"
    assert "secret" not in str(error)
    logged = [
        record for record in caplog.records if error["reference"] in str(record.msg)
    ]
    assert "internal secret" in str(logged)


@pytest.fixture
def announced_at_once(monkeypatch):
    """Let each attempt write its document when it begins; returns the wait for it."""
    announced = threading.Event()
    write_document = projection.write_document

    def write_and_tell(task):
        is_written = write_document(task)
        if task.state == "running":
            announced.set()
        return is_written

    monkeypatch.setattr(projection, "write_document", write_and_tell)
    monkeypatch.setattr(heartbeat, "ANNOUNCE_SECONDS", 0)
    return lambda: announced.wait(10)


def read_meta(task):
    return redis_store.get_cached_task(task.pk, task.requester_id).meta


def transitions_of(task):
    """Return how often a document of another state was written."""
    events, _last_id = redis_store.read_events("0-0")
    own = [event for event in events if event.task_id == str(task.pk)]
    return [event.is_transition for event in own]


def test_short_report_writes_only_the_document_of_its_end(teacher):
    task = run_task(teacher, {"seconds": 0}, kind="slow")

    assert task.state == read_meta(task).state == "succeeded"
    assert transitions_of(task) == [True, True]  # when it was submitted and at its end


def test_long_report_writes_its_document_and_then_its_progress(
    teacher, monkeypatch, announced_at_once
):
    metas = []

    def build(task, tracker):
        tracker.start_stage("writing", 9)
        assert announced_at_once()
        tracker.advance(3)
        while (
            b'"done":3' not in redis_store.get_cached_task(task.pk, teacher.pk).document
        ):
            time.sleep(0.01)
        metas.append(read_meta(task))
        raise Canceled

    monkeypatch.setattr(tasks, "build_report", build)
    task = run_task(teacher)

    assert [(meta.state, meta.version) for meta in metas] == [("running", 2)]
    assert transitions_of(task)[:3] == [True, True, False]


def test_attempt_without_end_confirms_its_document(
    teacher, monkeypatch, announced_at_once
):
    def fail(_task, _tracker):
        assert announced_at_once()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tasks, "build_report", fail)
    task = run_task(teacher)

    assert (task.state, task.projected_version) == ("running", task.version)
    assert read_meta(task).version == task.version


@pytest.mark.guarantee("A document that was written too late is resynced.")
def test_late_document_of_lost_attempt_is_resynced(
    teacher, monkeypatch, announced_at_once
):
    """The worker slept before it wrote; meanwhile the task was released and Redis flushed."""

    def lose_lease(task, _tracker):
        assert announced_at_once()
        lifecycle.release(task)
        redis_store.client().flushdb()
        redis_store.advance_epoch(0)
        projection.write_document(task)
        assert read_meta(task).state == "running"
        raise LeaseLost

    monkeypatch.setattr(tasks, "build_report", lose_lease)
    task = run_task(teacher)

    assert (task.state, read_meta(task).state) == ("queued", "queued")


def test_attempt_that_ends_writes_no_document_of_its_beginning(teacher):
    task = lifecycle.claim(queue_task(teacher).pk)
    attempt = Heartbeat(task)

    attempt.end_announcement()
    attempt._announce()

    assert not attempt.is_announced
    assert read_meta(task).state == "queued"


def test_database_error_while_document_is_confirmed_is_left_to_the_dispatcher(
    teacher, monkeypatch, announced_at_once
):
    def fail(*_args):
        raise OperationalError("server closed the connection unexpectedly")

    def lose_lease(_task, _tracker):
        monkeypatch.setattr(projection, "confirm_document", fail)
        assert announced_at_once()
        raise LeaseLost

    monkeypatch.setattr(tasks, "build_report", lose_lease)
    task = run_task(teacher)

    assert task.state == "running"
    assert task.pk in projection.out_of_date_ids(limit=9)


def test_claim_on_a_lost_connection_is_repeated(teacher, monkeypatch):
    task = queue_task(teacher)
    claim, failures = lifecycle.claim, iter([1])

    def fail_once(task_id):
        if next(failures, None):
            raise OperationalError("server closed the connection unexpectedly")
        return claim(task_id)

    monkeypatch.setattr(lifecycle, "claim", fail_once)
    tasks.generate_report(str(task.pk))

    task.refresh_from_db()
    assert (task.state, task.attempt) == ("succeeded", 1)


def test_reports_and_texts_are_loaded_before_a_process_is_forked():
    registry.report_classes.cache_clear()
    trans_real._translations.clear()

    responses = worker_before_create_process.send(sender=None)

    assert (startup.load_reports, None) in responses

    assert registry.report_classes.cache_info().currsize == 1
    assert {"pt-BR", "en"} <= set(trans_real._translations)


@pytest.mark.guarantee("A report that exceeds its memory limit is stopped.")
def test_report_over_memory_limit_fails(teacher, settings):
    settings.REPORT_MEMORY_LIMIT_BYTES = 50 * 1024 * 1024

    task = run_task(teacher, {}, kind="hungry")

    assert (task.state, task.attempt) == ("failed", 1)
    assert task.error["code"] == "memory_limit"
    assert bytearray(60 * 1024 * 1024)  # the limit ended with the report


def test_system_exit_releases_task(teacher, monkeypatch):
    task = queue_task(teacher)

    def raise_system_exit(*_args):
        raise SystemExit

    monkeypatch.setattr(tasks, "build_report", raise_system_exit)
    with pytest.raises(SystemExit):
        tasks.generate_report(str(task.pk))

    task.refresh_from_db()
    assert (task.state, task.attempt) == ("queued", 0)


@pytest.mark.guarantee("Late progress of a lost worker creates no document.")
def test_late_progress_of_lost_worker_creates_no_document(teacher):
    task = lifecycle.claim(queue_task(teacher).pk)
    Task.objects.filter(pk=task.pk).update(lease_until="2020-01-01T00:00:00Z")
    lease_recovery.recover_tasks()
    attempt = Heartbeat(task)

    attempt._publish_progress(Progress("writing", 7, 9))
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta.state == "queued"

    redis_store.client().delete(f"celery-task-meta-{task.pk}")
    attempt._publish_progress(Progress("writing", 8, 9))
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is None


def test_heartbeat_restores_lost_document(teacher):
    task = lifecycle.claim(queue_task(teacher).pk)
    redis_store.client().delete(f"celery-task-meta-{task.pk}")

    Heartbeat(task)._beat()

    assert redis_store.get_cached_task(task.pk, teacher.pk).meta.state == "running"


@pytest.mark.guarantee("A running report ends when its requester loses access.")
@pytest.mark.parametrize("loss", ["detached", "disabled"])
def test_heartbeat_ends_report_of_requester_without_access(teacher, loss):
    task = lifecycle.claim(queue_task(teacher).pk)
    attempt = Heartbeat(task)
    assert attempt._beat() is None

    if loss == "detached":
        teacher.attachments.all().delete()
    else:
        teacher.is_active = False
        teacher.save()

    assert isinstance(attempt._beat(), AccessRevoked)


def test_heartbeat_continues_report_after_unrelated_change_of_access(teacher):
    task = lifecycle.claim(queue_task(teacher).pk)
    attempt = Heartbeat(task)

    teacher.bump_access_version()

    assert attempt._beat() is None
    assert attempt._beat() is None


@pytest.mark.guarantee("A document that was written too late is resynced.")
def test_outdated_document_write_is_resynced(teacher):
    """The writer sleeps between read and write while Redis is flushed."""
    task = lifecycle.claim(queue_task(teacher).pk)
    old = Task.objects.get(pk=task.pk)
    lifecycle.release(task)
    redis_store.client().flushdb()
    redis_store.advance_epoch(0)

    projection.sync_document(old)

    assert redis_store.get_cached_task(task.pk, teacher.pk).meta.state == "queued"


def test_late_confirmation_of_claimed_task_leaves_document_to_its_worker(teacher):
    task = queue_task(teacher)
    old = Task.objects.get(pk=task.pk)
    claimed = lifecycle.claim(task.pk)

    assert projection.confirm_document(old)

    assert read_meta(task).state == "queued"
    assert task.pk in projection.out_of_date_ids(limit=9)

    projection.sync_document(claimed)
    redis_store.client().flushdb()
    redis_store.advance_epoch(0)
    projection.sync_document(old)
    assert read_meta(task).state == "running"


@pytest.mark.guarantee("A file name contains no path.")
@pytest.mark.parametrize(
    ("title", "stem"),
    [
        (gettext_lazy("December"), "Dezembro"),
        ("Ações: São Luís/MA", "Ações São Luís MA"),
        ("../../etc\\passwd\x01\r\n", "etc passwd"),
        ("Boletim \u202egpj.exe", "Boletim gpj.exe"),
    ],
)
def test_filename_has_translated_title_and_date(teacher, monkeypatch, title, stem):
    monkeypatch.setattr(registry.get_report_class("class_performance"), "title", title)

    task = run_task(teacher, format="csv")

    day = timezone.localdate(task.created_at)
    assert task.result["filename"].startswith(f"{stem} – ")
    assert task.result["filename"].endswith(f" – {day.isoformat()}.csv")


def test_worker_log_context_has_request_id(teacher):
    with structlog.contextvars.bound_contextvars(request_id="seen-by-all"):
        task = queue_task(teacher)
    structlog.contextvars.clear_contextvars()

    tasks.generate_report(str(task.pk))

    bound = structlog.contextvars.get_contextvars()
    structlog.contextvars.clear_contextvars()
    assert bound == {"request_id": "seen-by-all", "task_id": str(task.pk)}
