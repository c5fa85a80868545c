import os
import time

import pytest

from school.access import Scope
from tasks import artifacts, lifecycle
from tasks.maintenance import artifact_gc, lease_recovery
from tasks.models import Task
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db

RESULT = {"rows": 1, "bytes": 2}
HOURS_AGO = time.time() - 2 * 3600


@pytest.fixture(autouse=True)
def artifacts_dir(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path
    return tmp_path


def create_file(artifacts_dir, task, fence, *, is_draft=False, modified=HOURS_AGO):
    """A file of that attempt, as old as said."""
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


def test_old_file_that_no_row_names_is_removed(teacher, artifacts_dir):
    task = run_task(teacher)
    left = [
        create_file(artifacts_dir, task, 7),
        create_file(artifacts_dir, task, 8, is_draft=True),
    ]
    young = create_file(artifacts_dir, task, 9, modified=time.time() - 60)

    sweep_shard(task)

    assert [path.exists() for path in left] == [False, False]
    assert young.exists()
    assert artifacts.exists(task.artifact)


def test_old_artifact_that_its_row_names_is_kept(teacher, artifacts_dir):
    task = run_task(teacher)
    path = create_file(artifacts_dir, task, task.fence)
    assert path == artifacts_dir / task.artifact

    sweep_shard(task)

    assert path.exists()


def test_file_of_a_task_that_is_gone_is_removed(teacher, artifacts_dir):
    task = queue_task(teacher)
    path = create_file(artifacts_dir, task, 1)
    Task.objects.all().delete()

    sweep_shard(task)

    assert not path.exists()


@pytest.mark.guarantee("The file of a running attempt is not deleted.")
def test_file_of_the_attempt_that_runs_is_kept(teacher, artifacts_dir):
    task = lifecycle.claim(queue_task(teacher).pk)
    own = [
        create_file(artifacts_dir, task, 1),
        create_file(artifacts_dir, task, 1, is_draft=True),
    ]
    of_an_older = create_file(artifacts_dir, task, 0)

    sweep_shard(task)

    assert [path.exists() for path in own] == [True, True]
    assert not of_an_older.exists()


def test_file_whose_row_names_it_only_just_now_is_kept(
    teacher, artifacts_dir, monkeypatch
):
    task = lifecycle.claim(queue_task(teacher).pk)
    path = create_file(artifacts_dir, task, 1)
    name = str(path.relative_to(artifacts_dir))
    stored = artifacts.list_shard

    def succeed_first(of):
        scope = Scope.from_json(task.scope)
        lifecycle.succeed(task, artifact=name, result=RESULT, scope=scope)
        return stored(of)

    monkeypatch.setattr(artifacts, "list_shard", succeed_first)
    sweep_shard(task)

    assert path.exists()
    task.refresh_from_db()
    assert task.state == "succeeded"


def test_file_of_an_attempt_that_lost_its_task_is_removed(teacher, artifacts_dir):
    task = lifecycle.claim(queue_task(teacher).pk)
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")
    lease_recovery.recover_tasks()
    path = create_file(artifacts_dir, task, 1)  # it woke up, and did not know yet

    sweep_shard(task)

    assert not path.exists()


def test_strangers_files_are_left_alone(teacher, artifacts_dir):
    task = run_task(teacher)
    path = artifacts_dir / artifacts.shard_of(task.pk) / "notes.txt"
    path.touch()
    os.utime(path, (HOURS_AGO, HOURS_AGO))

    sweep_shard(task)

    assert path.exists()


def test_row_whose_file_is_gone_expires(teacher):
    lost, kept = run_task(teacher), run_task(teacher)
    sweep_shard(kept)  # marks the place, while all is well
    artifacts.delete_artifact(lost.artifact)

    for task in (lost, kept):
        sweep_shard(task)

    lost.refresh_from_db()
    kept.refresh_from_db()
    assert (lost.state, kept.state) == ("expired", "succeeded")
    assert (lost.result, lost.parameters) == (None, {})


@pytest.mark.guarantee("A missing disk deletes no task.")
def test_disk_that_is_missing_is_no_deletion(teacher, settings, artifacts_dir, caplog):
    old = run_task(teacher)
    sweep_shard(old)
    settings.ARTIFACTS_DIR = artifacts_dir / "not-mounted"
    new = run_task(teacher)  # goes to the wrong place, which it makes
    stray = create_file(settings.ARTIFACTS_DIR, old, 9)

    for task in (old, new):
        assert not sweep_shard(task)
    artifact_gc.sweep_shards()

    assert set(Task.objects.values_list("state", flat=True)) == {"succeeded"}
    assert stray.exists()
    assert "artifact_volume_missing" in caplog.text


def test_every_folder_has_its_turn_within_an_hour(monkeypatch):
    seen = []
    monkeypatch.setattr(
        artifact_gc, "sweep_shard", lambda folder: seen.append(folder) or True
    )
    for minute in range(60):
        monkeypatch.setattr(artifact_gc.time, "time", lambda m=minute: 1e9 + 60 * m)
        artifact_gc.sweep_shards()

    assert set(seen) == set(artifacts.SHARDS)
    assert len(artifacts.SHARDS) == 256


def test_folders_are_looked_up_apart(teacher):
    task = run_task(teacher)
    own = artifacts.shard_of(task.pk)

    found = {
        folder: [row.pk for row in artifact_gc._succeeded_tasks(folder)]
        for folder in artifacts.SHARDS
    }

    assert found.pop(own) == [task.pk]
    assert set(map(tuple, found.values())) == {()}


@pytest.mark.guarantee("A folder that cannot be listed does not count as empty.")
def test_folder_that_cannot_be_listed_is_not_empty(teacher, artifacts_dir, monkeypatch):
    task = run_task(teacher)

    def too_many_open_files(_path):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("os.scandir", too_many_open_files)
    with pytest.raises(OSError, match="Too many"):
        sweep_shard(task)

    task.refresh_from_db()
    assert task.state == "succeeded"
