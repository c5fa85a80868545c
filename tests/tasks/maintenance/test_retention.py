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

pytestmark = pytest.mark.django_db

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def artifacts_dir(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path


def age_tombstones(minutes: int) -> None:
    """Let the purge be so long ago."""
    purged_at = timezone.now() - timedelta(minutes=minutes)
    Tombstone.objects.update(purged_at=purged_at)


def has_document(task: Task) -> bool:
    return bool(redis_store.client().exists(f"celery-task-meta-{task.pk}"))


def test_purged_task_leaves_a_tombstone_and_nothing_else(teacher):
    task = run_task(teacher)
    projection.resync_document(task.pk)
    redis_store.set_cpu_active([str(task.pk)], seconds=60)

    retention.delete_task(task, teacher)

    assert not Task.objects.exists()
    assert not redis_store.client().keys(f"*{task.pk}*")
    assert artifacts.read_artifact(task.artifact) is None
    assert not has_document(task)
    grave = Tombstone.objects.get()
    assert (grave.pk, grave.requester, grave.is_cleared) == (task.pk, teacher, False)
    logged = AccessLogEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(logged) == ["created", "deleted"]


@pytest.mark.guarantee("Only a final task is purged, and only once.")
@pytest.mark.parametrize("state", ["queued", "running"])
def test_task_that_has_not_ended_is_not_purged(teacher, state):
    task = queue_task(teacher)
    if state == "running":
        task = lifecycle.claim(task.pk)

    with pytest.raises(TaskNotFinished):
        retention.delete_task(task, teacher)

    assert not retention.replace_with_tombstone(task)
    assert Task.objects.exists()
    assert not Tombstone.objects.exists()


@pytest.mark.guarantee("Only a final task is purged, and only once.")
def test_task_is_purged_once(teacher):
    task = run_task(teacher)
    retention.delete_task(Task.objects.get(), teacher)

    with pytest.raises(TaskPurged):
        retention.delete_task(task, teacher)

    assert Tombstone.objects.count() == 1
    assert AccessLogEntry.objects.filter(action="deleted").count() == 1


@pytest.mark.guarantee("A purge that was interrupted is completed.")
def test_purge_cut_off_after_its_transaction_is_ended_by_the_sweep(teacher):
    task = run_task(teacher)
    assert retention.replace_with_tombstone(task)
    assert artifacts.read_artifact(task.artifact)
    assert has_document(task)

    sweep()

    assert artifacts.read_artifact(task.artifact) is None
    assert not has_document(task)


def test_deleting_with_redis_away_is_ended_by_the_sweep(teacher, monkeypatch):
    task = run_task(teacher)

    def away(task_id):
        raise RedisUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(redis_store, "drop_document", away)
        retention.delete_task(task, teacher)
        age_tombstones(minutes=5)
        sweep()
        assert not Tombstone.objects.get().is_cleared
    assert has_document(task)

    sweep()
    assert not has_document(task)
    assert Tombstone.objects.get().is_cleared


@pytest.mark.guarantee("A purge that was interrupted is completed.")
def test_grave_is_cleared_until_no_straggler_can_come(teacher):
    task = run_task(teacher)
    retention.delete_task(Task.objects.get(), teacher)

    projection.put_document(
        task, lifecycle.Progress.from_task(task)
    )  # by somebody killed right after
    sweep()
    assert not has_document(task)
    assert not Tombstone.objects.get().is_cleared

    age_tombstones(minutes=5)
    sweep()
    assert Tombstone.objects.get().is_cleared


@pytest.mark.guarantee("A purged or expired task leaves no copy in Redis.")
def test_document_written_while_its_task_is_purged_is_taken_back(teacher):
    read_before = run_task(teacher)
    retention.delete_task(Task.objects.get(), teacher)

    projection.sync_document(read_before)

    assert not has_document(read_before)


def test_repair_of_a_task_that_is_gone_drops_its_document(teacher):
    task = run_task(teacher)
    retention.replace_with_tombstone(task)

    projection.resync_document(task.pk)

    assert not has_document(task)


def test_task_is_purged_long_after_its_end_and_not_before_it_is_erased(teacher):
    erased, kept, young = (run_task(teacher) for _ in range(3))
    for task in (erased, young):
        lifecycle.expire(task)
    Task.objects.exclude(pk=young.pk).update(finished_at=LONG_AGO)

    sweep()

    assert set(Task.objects.values_list("pk", flat=True)) == {kept.pk, young.pk}
    assert Tombstone.objects.get().pk == erased.pk


def test_purged_task_is_known_to_its_requester_alone(teacher, stranger, admin):
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


def test_one_grave_that_cannot_be_cleared_keeps_no_other(teacher, monkeypatch):
    bad, good = run_task(teacher), run_task(teacher)
    for task in (bad, good):
        retention.replace_with_tombstone(task)
    Tombstone.objects.update(purged_at="2020-01-01T00:00:00Z")
    keep_only = artifacts.delete_other_attempts

    def refuse(task_id, *args, **kwargs):
        if task_id == bad.pk:
            raise PermissionError
        keep_only(task_id, *args, **kwargs)

    monkeypatch.setattr(artifacts, "delete_other_attempts", refuse)
    retention.delete_leftovers()

    assert list(Tombstone.objects.filter(is_cleared=False)) == [Tombstone(pk=bad.pk)]
