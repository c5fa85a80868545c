import os
import time

import pytest

from school.scope import Scope
from tasks import artifacts, lifecycle
from tasks.maintenance import artifact_gc, lease_recovery
from tasks.models import Task
from tests.support.task_factories import queue_task, run_task

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("artifacts_dir")]

RESULT = {"rows": 1, "bytes": 2}
HOURS_AGO = time.time() - 2 * 3600


def create_file(artifacts_dir, task, fence, *, is_draft=False, modified=HOURS_AGO):
    """Create an artifact or draft of this attempt with this modification time."""
    name = f"{task.pk}.{fence}.json"
    path = (
        artifacts_dir
        / artifacts.shard_of(task.pk)
        / (f".{name}.draft" if is_draft else name)
    )
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"[]")
    os.utime(path, (modified, modified))
    return path


def sweep_shard(task) -> bool:
    return artifact_gc.sweep_shard(artifacts.shard_of(task.pk))


def test_sweep_removes_old_unreferenced_file(teacher, artifacts_dir):
    task = run_task(teacher)
    orphans = [
        create_file(artifacts_dir, task, 7),
        create_file(artifacts_dir, task, 8, is_draft=True),
    ]
    young = create_file(artifacts_dir, task, 9, modified=time.time() - 60)

    sweep_shard(task)

    assert [path.exists() for path in orphans] == [False, False]
    assert young.exists()
    assert artifacts.exists(task.artifact)


def test_sweep_keeps_old_referenced_artifact(teacher, artifacts_dir):
    task = run_task(teacher)
    path = create_file(artifacts_dir, task, task.fence)
    assert path == artifacts_dir / task.artifact

    sweep_shard(task)

    assert path.exists()


def test_sweep_removes_file_of_missing_task(teacher, artifacts_dir):
    task = queue_task(teacher)
    path = create_file(artifacts_dir, task, 1)
    Task.objects.all().delete()

    sweep_shard(task)

    assert not path.exists()


@pytest.mark.guarantee("The file of a running attempt is not deleted.")
def test_sweep_keeps_files_of_running_attempt(teacher, artifacts_dir):
    task = lifecycle.claim(queue_task(teacher).pk)
    attempt_files = [
        create_file(artifacts_dir, task, 1),
        create_file(artifacts_dir, task, 1, is_draft=True),
    ]
    older_file = create_file(artifacts_dir, task, 0)

    sweep_shard(task)

    assert [path.exists() for path in attempt_files] == [True, True]
    assert not older_file.exists()


def test_sweep_keeps_artifact_referenced_meanwhile(teacher, artifacts_dir, monkeypatch):
    task = lifecycle.claim(queue_task(teacher).pk)
    path = create_file(artifacts_dir, task, 1)
    name = str(path.relative_to(artifacts_dir))
    list_shard = artifacts.list_shard

    def succeed_first(shard):
        scope = Scope.from_json(task.scope)
        lifecycle.succeed(task, artifact=name, result=RESULT, scope=scope)
        return list_shard(shard)

    monkeypatch.setattr(artifacts, "list_shard", succeed_first)
    sweep_shard(task)

    assert path.exists()
    task.refresh_from_db()
    assert task.state == "succeeded"


def test_sweep_removes_file_of_lost_attempt(teacher, artifacts_dir):
    task = lifecycle.claim(queue_task(teacher).pk)
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")
    lease_recovery.recover_tasks()
    path = create_file(artifacts_dir, task, 1)  # written late by the lost worker

    sweep_shard(task)

    assert not path.exists()


def test_sweep_keeps_unknown_files(teacher, artifacts_dir):
    task = run_task(teacher)
    path = artifacts_dir / artifacts.shard_of(task.pk) / "notes.txt"
    path.touch()
    os.utime(path, (HOURS_AGO, HOURS_AGO))

    sweep_shard(task)

    assert path.exists()


def test_sweep_expires_task_with_missing_artifact(teacher):
    lost, kept = run_task(teacher), run_task(teacher)
    sweep_shard(kept)  # writes the sentinel while the volume is mounted
    artifacts.delete_artifact(lost.artifact)

    for task in (lost, kept):
        sweep_shard(task)

    lost.refresh_from_db()
    kept.refresh_from_db()
    assert (lost.state, kept.state) == ("expired", "succeeded")
    assert (lost.result, lost.parameters) == (None, {})


@pytest.mark.guarantee("A missing artifact volume deletes no task.")
def test_sweep_of_missing_volume_changes_nothing(
    teacher, settings, artifacts_dir, caplog
):
    old = run_task(teacher)
    sweep_shard(old)
    settings.ARTIFACTS_DIR = artifacts_dir / "not-mounted"
    new = run_task(teacher)  # writes to the wrong directory, creating it
    stray = create_file(settings.ARTIFACTS_DIR, old, 9)

    for task in (old, new):
        assert not sweep_shard(task)
    artifact_gc.sweep_shards()

    assert set(Task.objects.values_list("state", flat=True)) == {"succeeded"}
    assert stray.exists()
    assert "artifact_volume_missing" in caplog.text


def test_sweep_shards_covers_all_shards_within_an_hour(monkeypatch):
    swept = []
    monkeypatch.setattr(
        artifact_gc, "sweep_shard", lambda shard: swept.append(shard) or True
    )
    for minute in range(60):
        monkeypatch.setattr(artifact_gc.time, "time", lambda m=minute: 1e9 + 60 * m)
        artifact_gc.sweep_shards()

    assert set(swept) == set(artifacts.SHARDS)
    assert len(artifacts.SHARDS) == 256


def test_succeeded_tasks_are_looked_up_by_shard(teacher):
    task = run_task(teacher)
    own_shard = artifacts.shard_of(task.pk)

    ids_by_shard = {
        shard: [row.pk for row in artifact_gc._succeeded_tasks(shard)]
        for shard in artifacts.SHARDS
    }

    assert ids_by_shard.pop(own_shard) == [task.pk]
    assert set(map(tuple, ids_by_shard.values())) == {()}


@pytest.mark.guarantee("A folder that cannot be listed does not count as empty.")
def test_sweep_of_unlistable_shard_raises(teacher, artifacts_dir, monkeypatch):
    task = run_task(teacher)

    def too_many_open_files(_path):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("os.scandir", too_many_open_files)
    with pytest.raises(OSError, match="Too many"):
        sweep_shard(task)

    task.refresh_from_db()
    assert task.state == "succeeded"
