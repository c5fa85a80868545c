import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models.functions import Now

from school.access import Scope
from tasks import artifacts, lifecycle, redis_store
from tasks.errors import DataError, LeaseLost, TaskFinished, TimedOut
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
    """Let the lease run out, as if the worker had died."""
    Task.objects.filter(pk=task.pk).update(lease_until="2020-01-01T00:00:00Z")


@pytest.mark.guarantee("Only a queued task is claimed.")
def test_claim_is_won_once(teacher):
    task = queue_task(teacher)

    first = lifecycle.claim(task.pk)
    second = lifecycle.claim(task.pk)

    assert (first.state, first.attempt, first.fence) == ("running", 1, 1)
    assert second is None


def test_claim_of_unknown_task_is_none(teacher):
    assert lifecycle.claim(uuid.uuid4()) is None


@pytest.mark.guarantee("Only one worker claims a task, however many try together.")
@pytest.mark.django_db(transaction=True)
def test_claim_is_won_once_however_many_try_together(transactional_db, teacher):
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
def test_claim_of_silent_worker_s_task_raises_the_fence(teacher):
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


def test_renewal_keeps_the_lease_and_the_progress(teacher):
    task = claim_task(teacher)
    expire_lease(task)

    assert lifecycle.renew(task, Progress("writing", 3, 9)) is False

    task.refresh_from_db()
    assert (task.stage, task.progress_done, task.progress_total) == ("writing", 3, 9)
    assert Task.objects.filter(pk=task.pk, lease_until__gt=Now()).exists()


def test_success_is_settled_once(teacher):
    task = claim_task(teacher)

    assert complete_task(task)
    task.refresh_from_db()
    version = task.version
    assert complete_task(task)  # it is told the same, and nothing happens

    task.refresh_from_db()
    assert task.version == version
    assert (task.state, task.artifact, task.stage) == (
        "succeeded",
        "aa/x.json",
        "finished",
    )
    assert task.expires_at > task.finished_at


@pytest.mark.guarantee("A canceled task never succeeds.")
def test_canceled_task_never_succeeds(teacher):
    task = claim_task(teacher)
    lifecycle.cancel(Task.objects.get(pk=task.pk))

    assert lifecycle.renew(task, Progress("writing")) is True
    assert not complete_task(task)
    assert lifecycle.finish_cancel(task)
    assert reload_state(task) == "canceled"


def test_cancel_of_queued_task_ends_it(teacher):
    task = queue_task(teacher)

    lifecycle.cancel(task)

    assert reload_state(task) == "canceled"
    assert lifecycle.claim(task.pk) is None


def test_cancel_of_ended_task_is_too_late(teacher):
    task = run_task(teacher)

    with pytest.raises(TaskFinished):
        lifecycle.cancel(task)
    assert reload_state(task) == "succeeded"


def test_silent_worker_s_task_is_queued_again(teacher):
    task = claim_task(teacher)
    expire_lease(task)

    assert lease_recovery.recover_tasks() == 1

    task.refresh_from_db()
    assert (task.state, task.published_at, task.attempt) == ("queued", None, 1)


@pytest.mark.guarantee(
    "A task that was handed over keeps its attempts, and stays canceled if it was."
)
def test_task_that_is_handed_over_was_not_tried(teacher):
    first = claim_task(teacher)

    assert lifecycle.release(first)

    first_again = Task.objects.get(pk=first.pk)
    assert (first_again.state, first_again.attempt) == ("queued", 0)
    assert first_again.published_at is None
    second = lifecycle.claim(first.pk)
    assert (second.attempt, second.fence) == (1, 2)
    assert not complete_task(first)


@pytest.mark.guarantee(
    "A task that was handed over keeps its attempts, and stays canceled if it was."
)
def test_canceled_task_is_not_handed_over(teacher):
    task = claim_task(teacher)
    lifecycle.cancel(Task.objects.get(pk=task.pk))

    lifecycle.release(task)

    assert reload_state(task) == "canceled"


@pytest.mark.guarantee(
    "A task that was handed over keeps its attempts, and stays canceled if it was."
)
def test_task_past_its_time_is_not_handed_over(teacher):
    task = claim_task(teacher)
    Task.objects.filter(pk=task.pk).update(deadline="2020-01-01T00:00:00Z")

    assert not lifecycle.release(task)
    assert reload_state(task) == "running"


def test_silent_task_whose_process_computes_is_not_lost(teacher):
    task = claim_task(teacher)
    expire_lease(task)
    redis_store.set_cpu_active([str(task.pk)], seconds=9)

    lease_recovery.recover_tasks()

    assert reload_state(task) == "running"


def test_silent_task_whose_process_computes_past_its_time_is_a_timeout(teacher):
    task = claim_task(teacher)
    Task.objects.filter(pk=task.pk).update(
        lease_until="2020-01-01T00:00:30Z", deadline="2020-01-01T00:05:00Z"
    )
    redis_store.set_cpu_active([str(task.pk)], seconds=9)

    lease_recovery.recover_tasks()

    assert (reload_state(task), task.error["code"]) == ("failed", "timeout")


def test_cancel_does_not_wait_for_a_process_that_computes(teacher):
    task = claim_task(teacher)
    lifecycle.cancel(Task.objects.get(pk=task.pk))
    expire_lease(task)
    redis_store.set_cpu_active([str(task.pk)], seconds=9)

    lease_recovery.recover_tasks()

    assert reload_state(task) == "canceled"


def test_who_lost_the_task_leaves_no_file(teacher):
    task = claim_task(teacher)
    with artifacts.write_artifact(task.pk, task.fence, "json") as artifact:
        artifact.file.write(b"[]")
    expire_lease(task)

    lease_recovery.recover_tasks()

    assert not artifacts.exists(artifact.name)


@pytest.mark.guarantee("A task whose lease is alive is not taken from its worker.")
def test_living_worker_s_task_is_left_alone(teacher):
    task = claim_task(teacher)

    assert lease_recovery.recover_tasks() == 0
    assert reload_state(task) == "running"


def test_task_that_loses_every_worker_fails(teacher):
    task = queue_task(teacher)
    for _ in range(lifecycle.MAX_ATTEMPTS):
        expire_lease(lifecycle.claim(task.pk))
        lease_recovery.recover_tasks()

    assert reload_state(task) == "failed"
    assert task.error["code"] == "worker_lost"


@pytest.mark.guarantee("A task whose worker was lost does not end as a timeout.")
def test_worker_lost_shortly_before_its_time_is_up_is_no_timeout(teacher):
    task = claim_task(teacher)
    Task.objects.filter(pk=task.pk).update(
        deadline="2020-01-01T00:05:00Z", lease_until="2020-01-01T00:05:10Z"
    )

    lease_recovery.recover_tasks()

    assert reload_state(task) == "queued"


@pytest.mark.guarantee(
    "A report that hangs ends as a timeout, and its process is killed."
)
def test_attempt_past_its_time_is_ended_by_its_heartbeat(teacher):
    task = claim_task(teacher)
    heartbeat = Heartbeat(task)
    heartbeat._deadline = 0.0

    assert isinstance(heartbeat._check(), LeaseLost)

    assert (reload_state(task), task.error["code"]) == ("failed", "timeout")


@pytest.mark.guarantee("A slow worker does not delete the file of a later attempt.")
def test_file_of_a_later_attempt_outlives_a_slow_hand_over(teacher, monkeypatch):
    """The one that hands over sleeps after its commit; the next attempt is done by then."""
    task = claim_task(teacher)
    repair = projection.resync_document

    def sleep_first(task_id):
        monkeypatch.setattr(projection, "resync_document", repair)
        generate_report(str(task_id))
        return repair(task_id)

    monkeypatch.setattr(projection, "resync_document", sleep_first)
    lifecycle.release(task)

    assert reload_state(task) == "succeeded"
    assert artifacts.exists(task.artifact)


@pytest.mark.guarantee("A cancel is kept when the task changes workers.")
def test_cancel_of_a_task_that_changes_hands_is_not_lost(teacher, monkeypatch):
    task = claim_task(teacher)
    move = lifecycle._transition

    def change_hands(tasks, to, **fields):
        won = move(tasks, to, **fields)
        if to == State.CANCELED:
            monkeypatch.setattr(lifecycle, "_transition", move)
            lifecycle.release(task)
        return won

    monkeypatch.setattr(lifecycle, "_transition", change_hands)
    refresh = Task.refresh_from_db

    def claim_first(self, *args, **kwargs):
        monkeypatch.setattr(Task, "refresh_from_db", refresh)
        lifecycle.claim(task.pk)
        refresh(self, *args, **kwargs)

    monkeypatch.setattr(Task, "refresh_from_db", claim_first)
    canceled = lifecycle.cancel(Task.objects.get(pk=task.pk))

    assert canceled.state == "canceled" or canceled.cancel_requested_at


def test_cancel_outlives_the_worker(teacher):
    task = claim_task(teacher)
    lifecycle.cancel(task)
    expire_lease(task)

    assert lifecycle.claim(task.pk) is None
    lease_recovery.recover_tasks()

    assert reload_state(task) == "canceled"


@pytest.mark.guarantee(
    "A recovery does not overwrite a cancel that comes at the same time."
)
def test_cancel_between_reading_and_recovering_is_not_lost(teacher, monkeypatch):
    task = claim_task(teacher)
    expire_lease(task)
    move = lifecycle._transition

    def cancel_first(tasks, to, **fields):
        monkeypatch.setattr(lifecycle, "_transition", move)
        lifecycle.cancel(Task.objects.get(pk=task.pk))
        return move(tasks, to, **fields)

    monkeypatch.setattr(lifecycle, "_transition", cancel_first)
    lease_recovery.recover_tasks()
    lease_recovery.recover_tasks()

    assert reload_state(task) == "canceled"


@pytest.mark.guarantee("A task whose lease is alive is not taken from its worker.")
def test_worker_that_beats_just_in_time_keeps_its_task(teacher, monkeypatch):
    task = claim_task(teacher)
    expire_lease(task)
    move = lifecycle._transition

    def beat_first(tasks, to, **fields):
        lifecycle.renew(task, Progress("writing"))
        return move(tasks, to, **fields)

    monkeypatch.setattr(lifecycle, "_transition", beat_first)
    lease_recovery.recover_tasks()

    assert reload_state(task) == "running"


@pytest.mark.guarantee("A task whose worker was lost does not end as a timeout.")
def test_worker_lost_long_ago_is_no_timeout(teacher):
    """Nobody looked for an hour: the report itself did not take so long."""
    task = claim_task(teacher)
    Task.objects.filter(pk=task.pk).update(
        lease_until="2020-01-01T00:00:30Z", deadline="2020-01-01T00:05:00Z"
    )

    lease_recovery.recover_tasks()

    assert reload_state(task) == "queued"


def test_every_move_raises_the_version_and_reaches_redis(teacher):
    task = queue_task(teacher)
    seen = []

    def look():
        task.refresh_from_db()
        header = redis_store.get_cached_task(task.pk, teacher.pk).meta
        assert (header.version, header.state) == (task.version, task.state)
        assert task.projected_version == task.version
        seen.append(task.version)

    look()
    held = lifecycle.claim(task.pk)
    projection.sync_document(held)
    look()
    lifecycle.cancel(task)
    look()
    lifecycle.finish_cancel(held)
    look()
    assert seen == sorted(set(seen))


def test_final_states_are_left_by_nothing_but_expiry():
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
def test_database_refuses_a_state_that_lies(teacher, values):
    task = queue_task(teacher)

    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.filter(pk=task.pk).update(**values)


def test_expired_task_keeps_no_copy_in_redis(teacher):
    task = run_task(teacher)

    assert lifecycle.expire(task)

    assert reload_state(task) == "expired"
    assert (task.result, task.parameters, task.artifact) == (None, {}, "")
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is None
    assert not lifecycle.expire(task)


@pytest.mark.guarantee("A purged or expired task leaves no copy in Redis.")
def test_expired_document_that_is_written_late_is_taken_back(teacher):
    read_before = run_task(teacher)
    lifecycle.expire(Task.objects.get())

    projection.sync_document(read_before)

    assert redis_store.get_cached_task(read_before.pk, teacher.pk).meta is None


@pytest.mark.guarantee("Every final state has its retention, and is erased once.")
@pytest.mark.parametrize(
    "end",
    [
        complete_task,
        lambda task: lifecycle.cancel(task) and lifecycle.finish_cancel(task),
        lambda task: lifecycle.fail(task, TimedOut()),
    ],
)
def test_every_end_expires_as_its_kind_says(teacher, monkeypatch, end):
    monkeypatch.setattr(ClassPerformance, "retention", timedelta(hours=3))
    task = claim_task(teacher)
    monkeypatch.setattr(ClassPerformance, "retention", timedelta(hours=99))

    end(task)

    task.refresh_from_db()
    assert task.expires_at - task.finished_at == timedelta(hours=3)


def test_kind_that_says_nothing_is_kept_as_the_settings_say(teacher, settings):
    settings.ARTIFACT_TTL = timedelta(days=2)

    task = run_task(teacher)

    assert task.expires_at - task.finished_at == timedelta(days=2)


@pytest.mark.guarantee("Every final state has its retention, and is erased once.")
def test_failed_task_past_its_time_says_no_more_than_its_code(teacher):
    task = claim_task(teacher)
    lifecycle.fail(task, DataError("Enrolment 7 has no class."))
    task.refresh_from_db()

    assert lifecycle.expire(task)
    assert not lifecycle.expire(task)

    before = task.version
    assert reload_state(task) == "failed"
    assert (task.parameters, task.is_erased, task.version) == ({}, True, before + 1)
    assert task.error == {"code": "data_error", "detail": lifecycle.DETAIL_ERASED}
    assert b"Enrolment" not in redis_store.get_cached_task(task.pk, teacher.pk).document


def test_canceled_task_past_its_time_keeps_its_state(teacher):
    task = lifecycle.cancel(queue_task(teacher))

    assert lifecycle.expire(task)

    assert (reload_state(task), task.parameters, task.error) == ("canceled", {}, None)


def test_task_that_has_not_ended_does_not_expire(teacher):
    task = claim_task(teacher)

    assert not lifecycle.expire(task)
    assert (reload_state(task), task.is_erased) == ("running", False)
