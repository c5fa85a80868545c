import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models.functions import Now

from school.scope import Scope
from tasks import artifacts, lifecycle, redis_store
from tasks.errors import TaskFinished
from tasks.failures import DataError, LeaseLost, TimedOut
from tasks.maintenance import lease_recovery
from tasks.models import Task
from tasks.progress import Progress
from tasks.reports.class_performance import ClassPerformance
from tasks.states import FINAL, TRANSITIONS, State
from tasks.status import projection
from tasks.worker.heartbeat import Heartbeat
from tasks.worker.tasks import generate_report
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db

RESULT = {"rows": 1, "bytes": 2, "sha256": "", "media_type": "", "filename": ""}


def claim_task(viewer) -> Task:
    task = lifecycle.claim(queue_task(viewer).pk)
    assert task is not None
    return task


def complete_task(task: Task) -> bool:
    return lifecycle.succeed(
        task, artifact="aa/x.json", result=RESULT, scope=Scope("teacher", (1,))
    )


def reload_state(task: Task) -> str:
    task.refresh_from_db()
    return task.state


def expire_lease(task: Task) -> None:
    """Expire the lease, as if the worker had died."""
    Task.objects.filter(pk=task.pk).update(lease_until="2020-01-01T00:00:00Z")


@pytest.mark.guarantee("Only a queued task is claimed.")
def test_second_claim_of_task_returns_none(teacher):
    task = queue_task(teacher)

    first = lifecycle.claim(task.pk)
    second = lifecycle.claim(task.pk)

    assert (first.state, first.attempt, first.fence) == ("running", 1, 1)
    assert second is None


def test_claim_of_unknown_task_returns_none(teacher):
    assert lifecycle.claim(uuid.uuid4()) is None


@pytest.mark.guarantee(
    "Only one worker claims a task, even if several try at the same time."
)
@pytest.mark.django_db(transaction=True)
def test_concurrent_claims_of_task_have_one_winner(transactional_db, teacher):
    task = queue_task(teacher)

    def claim(_number: int) -> bool:
        try:
            return lifecycle.claim(task.pk) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, range(16)))

    assert won.count(True) == 1


@pytest.mark.guarantee("A worker whose task was claimed again changes nothing (fence).")
def test_claim_after_recovery_fences_first_worker(teacher):
    first = claim_task(teacher)
    expire_lease(first)
    lease_recovery.recover_tasks()

    second = lifecycle.claim(first.pk)

    assert (second.attempt, second.fence) == (2, 2)
    assert lifecycle.renew(first, Progress("writing")) is None
    assert not complete_task(first)
    assert not lifecycle.fail(first, TimedOut())
    assert not lifecycle.finish_cancel(first)
    assert reload_state(first) == "running"
    assert complete_task(second)


def test_renew_extends_lease_and_saves_progress(teacher):
    task = claim_task(teacher)
    expire_lease(task)

    assert lifecycle.renew(task, Progress("writing", 3, 9)) is False

    task.refresh_from_db()
    assert (task.stage, task.progress_done, task.progress_total) == ("writing", 3, 9)
    assert Task.objects.filter(pk=task.pk, lease_until__gt=Now()).exists()


def test_repeated_succeed_changes_nothing(teacher):
    task = claim_task(teacher)

    assert complete_task(task)
    task.refresh_from_db()
    version = task.version
    assert complete_task(task)  # repeated: returns True and changes nothing

    task.refresh_from_db()
    assert task.version == version
    assert (task.state, task.artifact, task.stage) == (
        "succeeded",
        "aa/x.json",
        "finished",
    )
    assert task.expires_at > task.finished_at


@pytest.mark.guarantee("A canceled task never succeeds.")
def test_succeed_of_canceled_task_returns_false(teacher):
    task = claim_task(teacher)
    lifecycle.cancel(Task.objects.get(pk=task.pk))

    assert lifecycle.renew(task, Progress("writing")) is True
    assert not complete_task(task)
    assert lifecycle.finish_cancel(task)
    assert reload_state(task) == "canceled"


def test_cancel_of_queued_task_sets_canceled(teacher):
    task = queue_task(teacher)

    lifecycle.cancel(task)

    assert reload_state(task) == "canceled"
    assert lifecycle.claim(task.pk) is None


def test_cancel_of_final_task_raises_task_finished(teacher):
    task = run_task(teacher)

    with pytest.raises(TaskFinished):
        lifecycle.cancel(task)
    assert reload_state(task) == "succeeded"


def test_recovery_requeues_task_with_expired_lease(teacher):
    task = claim_task(teacher)
    expire_lease(task)

    assert lease_recovery.recover_tasks() == 1

    task.refresh_from_db()
    assert (task.state, task.published_at, task.attempt) == ("queued", None, 1)


@pytest.mark.guarantee(
    "A released task loses no attempt, and stays canceled if it was canceled."
)
def test_release_gives_back_the_attempt(teacher):
    first = claim_task(teacher)

    assert lifecycle.release(first)

    first_again = Task.objects.get(pk=first.pk)
    assert (first_again.state, first_again.attempt) == ("queued", 0)
    assert first_again.published_at is None
    second = lifecycle.claim(first.pk)
    assert (second.attempt, second.fence) == (1, 2)
    assert not complete_task(first)


@pytest.mark.guarantee(
    "A released task loses no attempt, and stays canceled if it was canceled."
)
def test_release_of_canceled_task_sets_canceled(teacher):
    task = claim_task(teacher)
    lifecycle.cancel(Task.objects.get(pk=task.pk))

    lifecycle.release(task)

    assert reload_state(task) == "canceled"


@pytest.mark.guarantee(
    "A released task loses no attempt, and stays canceled if it was canceled."
)
def test_release_past_deadline_returns_false(teacher):
    task = claim_task(teacher)
    Task.objects.filter(pk=task.pk).update(deadline="2020-01-01T00:00:00Z")

    assert not lifecycle.release(task)
    assert reload_state(task) == "running"


def test_recovery_of_cpu_active_task_does_nothing(teacher):
    task = claim_task(teacher)
    expire_lease(task)
    redis_store.set_cpu_active([str(task.pk)], seconds=9)

    lease_recovery.recover_tasks()

    assert reload_state(task) == "running"


def test_recovery_of_cpu_active_task_past_deadline_times_out(teacher):
    task = claim_task(teacher)
    Task.objects.filter(pk=task.pk).update(
        lease_until="2020-01-01T00:00:30Z", deadline="2020-01-01T00:05:00Z"
    )
    redis_store.set_cpu_active([str(task.pk)], seconds=9)

    lease_recovery.recover_tasks()

    assert (reload_state(task), task.error["code"]) == ("failed", "timeout")


def test_recovery_of_canceled_cpu_active_task_cancels(teacher):
    task = claim_task(teacher)
    lifecycle.cancel(Task.objects.get(pk=task.pk))
    expire_lease(task)
    redis_store.set_cpu_active([str(task.pk)], seconds=9)

    lease_recovery.recover_tasks()

    assert reload_state(task) == "canceled"


def test_recovery_deletes_artifact_of_lost_attempt(teacher):
    task = claim_task(teacher)
    with artifacts.write_artifact(task.pk, task.fence, "json") as artifact:
        artifact.file.write(b"[]")
    expire_lease(task)

    lease_recovery.recover_tasks()

    assert not artifacts.exists(artifact.name)


@pytest.mark.guarantee("A task with a valid lease is not taken from its worker.")
def test_recovery_of_valid_lease_does_nothing(teacher):
    task = claim_task(teacher)

    assert lease_recovery.recover_tasks() == 0
    assert reload_state(task) == "running"


def test_task_losing_every_worker_fails_as_worker_lost(teacher):
    task = queue_task(teacher)
    for _ in range(lifecycle.MAX_ATTEMPTS):
        expire_lease(lifecycle.claim(task.pk))
        lease_recovery.recover_tasks()

    assert reload_state(task) == "failed"
    assert task.error["code"] == "worker_lost"


@pytest.mark.guarantee("A task whose worker was lost does not end as a timeout.")
def test_worker_lost_just_before_deadline_is_requeued(teacher):
    task = claim_task(teacher)
    Task.objects.filter(pk=task.pk).update(
        deadline="2020-01-01T00:05:00Z", lease_until="2020-01-01T00:05:10Z"
    )

    lease_recovery.recover_tasks()

    assert reload_state(task) == "queued"


@pytest.mark.guarantee(
    "A report that hangs ends as a timeout, and its process is killed."
)
def test_heartbeat_past_deadline_fails_task_as_timeout(teacher):
    task = claim_task(teacher)
    heartbeat = Heartbeat(task)
    heartbeat._deadline = 0.0

    assert isinstance(heartbeat._check(), LeaseLost)

    assert (reload_state(task), task.error["code"]) == ("failed", "timeout")


@pytest.mark.guarantee("A slow worker does not delete the file of a later attempt.")
def test_slow_release_keeps_artifact_of_later_attempt(teacher, monkeypatch):
    """Release sleeps after its commit; the next attempt finishes meanwhile."""
    task = claim_task(teacher)
    resync = projection.resync_document

    def finish_next_attempt(task_id):
        monkeypatch.setattr(projection, "resync_document", resync)
        generate_report(str(task_id))
        return resync(task_id)

    monkeypatch.setattr(projection, "resync_document", finish_next_attempt)
    lifecycle.release(task)

    assert reload_state(task) == "succeeded"
    assert artifacts.exists(task.artifact)


@pytest.mark.guarantee("A cancel is kept when the task changes workers.")
def test_cancel_during_release_and_claim_is_kept(teacher, monkeypatch):
    task = claim_task(teacher)
    transition = lifecycle.transition

    def release_after_cancel(tasks, to, **fields):
        won = transition(tasks, to, **fields)
        if to == State.CANCELED:
            monkeypatch.setattr(lifecycle, "transition", transition)
            lifecycle.release(task)
        return won

    monkeypatch.setattr(lifecycle, "transition", release_after_cancel)
    refresh = Task.refresh_from_db

    def claim_first(self, *args, **kwargs):
        monkeypatch.setattr(Task, "refresh_from_db", refresh)
        lifecycle.claim(task.pk)
        refresh(self, *args, **kwargs)

    monkeypatch.setattr(Task, "refresh_from_db", claim_first)
    canceled = lifecycle.cancel(Task.objects.get(pk=task.pk))

    assert canceled.state == "canceled" or canceled.cancel_requested_at


def test_cancel_of_task_with_lost_worker_sets_canceled(teacher):
    task = claim_task(teacher)
    lifecycle.cancel(task)
    expire_lease(task)

    assert lifecycle.claim(task.pk) is None
    lease_recovery.recover_tasks()

    assert reload_state(task) == "canceled"


@pytest.mark.guarantee("Lease recovery does not overwrite a concurrent cancel.")
def test_cancel_concurrent_with_recovery_is_kept(teacher, monkeypatch):
    task = claim_task(teacher)
    expire_lease(task)
    transition = lifecycle.transition

    def cancel_first(tasks, to, **fields):
        monkeypatch.setattr(lifecycle, "transition", transition)
        lifecycle.cancel(Task.objects.get(pk=task.pk))
        return transition(tasks, to, **fields)

    monkeypatch.setattr(lifecycle, "transition", cancel_first)
    lease_recovery.recover_tasks()
    lease_recovery.recover_tasks()

    assert reload_state(task) == "canceled"


@pytest.mark.guarantee("A task with a valid lease is not taken from its worker.")
def test_renew_concurrent_with_recovery_keeps_task(teacher, monkeypatch):
    task = claim_task(teacher)
    expire_lease(task)
    transition = lifecycle.transition

    def renew_first(tasks, to, **fields):
        lifecycle.renew(task, Progress("writing"))
        return transition(tasks, to, **fields)

    monkeypatch.setattr(lifecycle, "transition", renew_first)
    lease_recovery.recover_tasks()

    assert reload_state(task) == "running"


@pytest.mark.guarantee("A task whose worker was lost does not end as a timeout.")
def test_worker_lost_long_ago_is_requeued(teacher):
    """Recovery did not run for an hour; the report itself did not take that long."""
    task = claim_task(teacher)
    Task.objects.filter(pk=task.pk).update(
        lease_until="2020-01-01T00:00:30Z", deadline="2020-01-01T00:05:00Z"
    )

    lease_recovery.recover_tasks()

    assert reload_state(task) == "queued"


def test_transition_raises_version_and_updates_redis(teacher):
    task = queue_task(teacher)
    versions = []

    def check_document():
        task.refresh_from_db()
        meta = redis_store.get_cached_task(task.pk, teacher.pk).meta
        assert (meta.version, meta.state) == (task.version, task.state)
        assert task.projected_version == task.version
        versions.append(task.version)

    check_document()
    claimed = lifecycle.claim(task.pk)
    projection.sync_document(claimed)
    check_document()
    lifecycle.cancel(task)
    check_document()
    lifecycle.finish_cancel(claimed)
    check_document()
    assert versions == sorted(set(versions))


def test_only_transition_from_final_states_is_expiry():
    assert {state for state in FINAL if TRANSITIONS[state]} == {State.SUCCEEDED}
    assert TRANSITIONS[State.SUCCEEDED] == {State.EXPIRED}


@pytest.mark.parametrize(
    "values",
    [
        {"state": "lost"},
        {"state": "running", "lease_until": None},
        {"state": "succeeded", "result": None},
        {"state": "failed", "error": None},
    ],
)
def test_database_rejects_inconsistent_state(teacher, values):
    task = queue_task(teacher)

    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.filter(pk=task.pk).update(**values)


def test_expire_removes_document_from_redis(teacher):
    task = run_task(teacher)

    assert lifecycle.erase(task)

    assert reload_state(task) == "expired"
    assert (task.result, task.parameters, task.artifact) == (None, {}, "")
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is None
    assert not lifecycle.erase(task)


@pytest.mark.guarantee("A purged or expired task leaves no copy in Redis.")
def test_late_sync_of_expired_task_leaves_no_document(teacher):
    read_before = run_task(teacher)
    lifecycle.erase(Task.objects.get())

    projection.sync_document(read_before)

    assert redis_store.get_cached_task(read_before.pk, teacher.pk).meta is None


@pytest.mark.guarantee(
    "Every final task is kept for its retention period and erased once."
)
@pytest.mark.parametrize(
    "end",
    [
        complete_task,
        lambda task: lifecycle.cancel(task) and lifecycle.finish_cancel(task),
        lambda task: lifecycle.fail(task, TimedOut()),
    ],
)
def test_final_task_expires_after_retention_of_its_kind(teacher, monkeypatch, end):
    monkeypatch.setattr(ClassPerformance, "retention", timedelta(hours=3))
    task = claim_task(teacher)
    monkeypatch.setattr(ClassPerformance, "retention", timedelta(hours=99))

    end(task)

    task.refresh_from_db()
    assert task.expires_at - task.finished_at == timedelta(hours=3)


def test_kind_without_retention_uses_settings(teacher, settings):
    settings.ARTIFACT_TTL = timedelta(days=2)

    task = run_task(teacher)

    assert task.expires_at - task.finished_at == timedelta(days=2)


@pytest.mark.guarantee(
    "Every final task is kept for its retention period and erased once."
)
def test_expire_of_failed_task_keeps_only_error_code(teacher):
    task = claim_task(teacher)
    lifecycle.fail(task, DataError("Enrolment 7 has no class."))
    task.refresh_from_db()

    assert lifecycle.erase(task)
    assert not lifecycle.erase(task)

    before = task.version
    assert reload_state(task) == "failed"
    assert (task.parameters, task.is_erased, task.version) == ({}, True, before + 1)
    assert task.error == {"code": "data_error", "detail": lifecycle.DETAIL_ERASED}
    assert b"Enrolment" not in redis_store.get_cached_task(task.pk, teacher.pk).document


def test_expire_of_canceled_task_keeps_state(teacher):
    task = lifecycle.cancel(queue_task(teacher))

    assert lifecycle.erase(task)

    assert (reload_state(task), task.parameters, task.error) == ("canceled", {}, None)


def test_expire_of_running_task_returns_false(teacher):
    task = claim_task(teacher)

    assert not lifecycle.erase(task)
    assert (reload_state(task), task.is_erased) == ("running", False)
