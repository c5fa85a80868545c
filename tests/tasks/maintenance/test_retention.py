from datetime import timedelta

import pytest
from django.utils import timezone

from tasks import artifacts, lifecycle, redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.errors import TaskNotFinished, TaskNotFound, TaskPurged
from tasks.maintenance import retention
from tasks.maintenance.tasks import sweep
from tasks.models import AccessLogEntry, Task, Tombstone
from tasks.status import projection, reader
from tests.support.task_factories import queue_task, run_task

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("artifacts_dir")]

LONG_AGO = "2020-01-01T00:00:00Z"


def age_tombstones(minutes: int) -> None:
    """Move all purges this many minutes into the past."""
    purged_at = timezone.now() - timedelta(minutes=minutes)
    Tombstone.objects.update(purged_at=purged_at)


def has_document(task: Task) -> bool:
    return bool(redis_store.client().exists(f"celery-task-meta-{task.pk}"))


def test_delete_task_leaves_only_tombstone(teacher):
    task = run_task(teacher)
    projection.resync_document(task.pk)
    redis_store.set_cpu_active([str(task.pk)], seconds=60)

    retention.delete_task(task, teacher)

    assert not Task.objects.exists()
    assert not redis_store.client().keys(f"*{task.pk}*")
    assert artifacts.read_artifact(task.artifact) is None
    assert not has_document(task)
    tombstone = Tombstone.objects.get()
    assert (tombstone.pk, tombstone.requester, tombstone.is_cleared) == (
        task.pk,
        teacher,
        False,
    )
    actions = AccessLogEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["created", "deleted"]


@pytest.mark.guarantee("Only a final task is purged, and only once.")
@pytest.mark.parametrize("state", ["queued", "running"])
def test_delete_of_unfinished_task_raises_task_not_finished(teacher, state):
    task = queue_task(teacher)
    if state == "running":
        task = lifecycle.claim(task.pk)

    with pytest.raises(TaskNotFinished):
        retention.delete_task(task, teacher)

    assert not retention.replace_with_tombstone(task)
    assert Task.objects.exists()
    assert not Tombstone.objects.exists()


@pytest.mark.guarantee("Only a final task is purged, and only once.")
def test_second_delete_raises_task_purged(teacher):
    task = run_task(teacher)
    retention.delete_task(Task.objects.get(), teacher)

    with pytest.raises(TaskPurged):
        retention.delete_task(task, teacher)

    assert Tombstone.objects.count() == 1
    assert AccessLogEntry.objects.filter(action="deleted").count() == 1


@pytest.mark.guarantee("An interrupted purge is completed.")
def test_sweep_completes_interrupted_purge(teacher):
    task = run_task(teacher)
    assert retention.replace_with_tombstone(task)
    assert artifacts.read_artifact(task.artifact)
    assert has_document(task)

    sweep()

    assert artifacts.read_artifact(task.artifact) is None
    assert not has_document(task)


def test_sweep_completes_delete_without_redis(teacher, monkeypatch):
    task = run_task(teacher)

    def raise_unavailable(_task_id, _requester_id):
        raise RedisUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(redis_store, "drop_document", raise_unavailable)
        retention.delete_task(task, teacher)
        age_tombstones(minutes=5)
        sweep()
        assert not Tombstone.objects.get().is_cleared
    assert has_document(task)

    sweep()
    assert not has_document(task)
    assert Tombstone.objects.get().is_cleared


@pytest.mark.guarantee("An interrupted purge is completed.")
def test_tombstone_is_cleared_after_late_writes_end(teacher):
    task = run_task(teacher)
    retention.delete_task(Task.objects.get(), teacher)

    projection.put_document(
        task, lifecycle.Progress.from_task(task)
    )  # by a writer killed right after
    sweep()
    assert not has_document(task)
    assert not Tombstone.objects.get().is_cleared

    age_tombstones(minutes=5)
    sweep()
    assert Tombstone.objects.get().is_cleared


@pytest.mark.guarantee("A purged or expired task leaves no copy in Redis.")
def test_late_sync_of_purged_task_leaves_no_document(teacher):
    read_before = run_task(teacher)
    retention.delete_task(Task.objects.get(), teacher)

    projection.sync_document(read_before)

    assert not has_document(read_before)


def test_resync_of_missing_task_drops_document(teacher):
    task = run_task(teacher)
    retention.replace_with_tombstone(task)

    projection.resync_document(task.pk)

    assert not has_document(task)


def test_sweep_purges_only_old_erased_tasks(teacher):
    erased, kept, young = (run_task(teacher) for _ in range(3))
    for task in (erased, young):
        lifecycle.erase(task)
    Task.objects.exclude(pk=young.pk).update(finished_at=LONG_AGO)

    sweep()

    assert set(Task.objects.values_list("pk", flat=True)) == {kept.pk, young.pk}
    assert Tombstone.objects.get().pk == erased.pk


def test_only_requester_gets_task_purged(teacher, stranger, admin):
    task = run_task(teacher)
    retention.delete_task(task, teacher)

    with pytest.raises(TaskPurged):
        reader.get_task_for(task.pk, teacher)
    for other in (stranger, admin):
        with pytest.raises(TaskNotFound):
            reader.get_task_for(task.pk, other)

    Tombstone.objects.all().delete()
    with pytest.raises(TaskNotFound):
        reader.get_task_for(task.pk, teacher)


def test_delete_leftovers_failure_does_not_stop_others(teacher, monkeypatch):
    bad, good = run_task(teacher), run_task(teacher)
    for task in (bad, good):
        retention.replace_with_tombstone(task)
    Tombstone.objects.update(purged_at="2020-01-01T00:00:00Z")
    delete_other_attempts = artifacts.delete_other_attempts

    def refuse(task_id, *args, **kwargs):
        if task_id == bad.pk:
            raise PermissionError
        delete_other_attempts(task_id, *args, **kwargs)

    monkeypatch.setattr(artifacts, "delete_other_attempts", refuse)
    retention.delete_leftovers()

    assert list(Tombstone.objects.filter(is_cleared=False)) == [Tombstone(pk=bad.pk)]
