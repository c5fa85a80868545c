from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from school import models
from tasks import artifacts, lifecycle, redis_store
from tasks.maintenance import tasks
from tasks.maintenance.tasks import run_commands, sweep
from tasks.models import AccessLogEntry, Task, Tombstone
from tasks.scheduling import broker
from tasks.worker.tasks import generate_report
from tests.support.task_factories import queue_task, run_task

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("artifacts_dir")]

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.mark.guarantee("A canary does nothing to any task.")
@pytest.mark.parametrize("celery_task", [sweep, generate_report])
def test_canary_changes_no_row_and_no_file(teacher, celery_task):
    done, waiting = run_task(teacher), queue_task(teacher)
    Task.objects.update(expires_at=LONG_AGO)
    rows = list(Task.objects.order_by("pk").values())

    celery_task(broker.CANARY)

    assert list(Task.objects.order_by("pk").values()) == rows
    assert artifacts.read_artifact(done.artifact)
    assert str(waiting.pk) in redis_store.message_ids("reports")


def test_sweep_expires_due_result(teacher):
    task, young = run_task(teacher), run_task(teacher)
    assert artifacts.read_artifact(task.artifact)
    Task.objects.filter(pk=task.pk).update(expires_at=LONG_AGO)

    sweep()

    name = task.artifact
    task.refresh_from_db()
    young.refresh_from_db()
    assert (task.state, young.state) == ("expired", "succeeded")
    assert artifacts.read_artifact(name) is None
    assert artifacts.read_artifact(young.artifact)


def test_sweep_completes_interrupted_expiry(teacher, monkeypatch):
    task = run_task(teacher)
    Task.objects.update(expires_at=LONG_AGO)

    def die(task):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "erase", die)
        with pytest.raises(KeyboardInterrupt):
            sweep()
    sweep()

    task.refresh_from_db()
    assert (task.state, task.is_erased) == ("expired", True)


def test_sweep_erases_due_canceled_task(teacher):
    canceled = lifecycle.cancel(queue_task(teacher))
    running = lifecycle.claim(queue_task(teacher).pk)
    Task.objects.filter(expires_at__isnull=False).update(expires_at=LONG_AGO)

    sweep()

    canceled.refresh_from_db()
    running.refresh_from_db()
    assert (canceled.state, canceled.parameters) == ("canceled", {})
    assert running.parameters == {"class_id": 1}


def test_sweep_with_undeletable_file_expires_others(teacher, monkeypatch):
    stuck, other = run_task(teacher), run_task(teacher)
    Task.objects.update(expires_at=LONG_AGO)
    delete_other_attempts = artifacts.delete_other_attempts

    def refuse(task_id, name=""):
        if task_id == stuck.pk:
            raise PermissionError
        delete_other_attempts(task_id, name)

    monkeypatch.setattr(artifacts, "delete_other_attempts", refuse)
    sweep()

    stuck.refresh_from_db()
    other.refresh_from_db()
    assert (stuck.state, other.state) == ("succeeded", "expired")


def test_sweep_with_failing_step_runs_other_steps(teacher, monkeypatch):
    def fail():
        raise ValueError("odd")

    task = run_task(teacher)
    Task.objects.update(is_erased=True, finished_at=LONG_AGO)
    monkeypatch.setattr(tasks, "expire_due_tasks", fail)

    sweep()

    assert Tombstone.objects.filter(pk=task.pk).exists()


def test_delete_old_rows_removes_old_cleared_tombstones(teacher):
    ids = [queue_task(teacher).pk for _ in range(3)]
    now = timezone.now()
    for task_id, age, cleared in zip(
        ids, (366, 366, 364), (True, False, True), strict=True
    ):
        Tombstone.objects.create(
            id=task_id,
            requester=teacher,
            purged_at=now - timedelta(days=age),
            is_cleared=cleared,
        )

    tasks.delete_old_rows()

    remaining_ids = Tombstone.objects.values_list("pk", flat=True)
    assert set(remaining_ids) == set(ids[1:])


def test_sweep_deletes_access_log_after_ttl(teacher, settings):
    settings.ACCESS_LOG_TTL = timedelta(days=30)
    old, young = queue_task(teacher), queue_task(teacher)
    for task, days in ((old, 31), (young, 29)):
        created_at = timezone.now() - timedelta(days=days)
        AccessLogEntry.objects.filter(task_id=task.pk).update(created_at=created_at)

    sweep()

    assert [entry.task_id for entry in AccessLogEntry.objects.all()] == [young.pk]


def test_sweep_deletes_grade_history_after_ttl(network, settings):
    settings.GRADE_HISTORY_TTL = timedelta(days=30)
    ages = {1: 31, 2: 29}
    models.GradeChange.objects.bulk_create(
        models.GradeChange(
            at=timezone.now() - timedelta(days=days),
            student_id=student,
            action="changed",
        )
        for student, days in ages.items()
    )

    sweep()

    assert [c.student_id for c in models.GradeChange.objects.all()] == [2]


def test_delete_old_rows_deletes_one_batch_per_run(teacher, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH_SIZE", 2)
    for _ in range(3):
        queue_task(teacher)
    AccessLogEntry.objects.update(created_at=LONG_AGO)

    tasks.delete_old_rows()
    assert AccessLogEntry.objects.count() == 1
    tasks.delete_old_rows()
    assert AccessLogEntry.objects.count() == 0


def test_sweep_deletes_expired_tokens_and_their_sessions(teacher):
    now = timezone.now()
    for name, days in (("old", -1), ("young", 1)):
        session = models.Session.objects.create(
            user=teacher, generation=0, started_at=now, expires_at=now
        )
        for rotated_at in (None, now):
            models.RefreshToken.objects.create(
                session=session, key_id=name, issued_at=now,
                rotated_at=rotated_at, expires_at=now + timedelta(days=days),
            )  # fmt: skip

    sweep()

    tokens = models.RefreshToken.objects.all()
    assert [token.key_id for token in tokens] == ["young"] * 2
    assert [row.pk for row in models.Session.objects.all()] == [session.pk]


def test_run_commands_flushes_expired_admin_sessions(teacher):
    for name, days in (("old", -1), ("young", 1)):
        expires_at = timezone.now() + timedelta(days=days)
        Session.objects.create(
            session_key=name, session_data="", expire_date=expires_at
        )

    run_commands()

    assert [row.session_key for row in Session.objects.all()] == ["young"]
