import os
import time

import pytest

from school.access import Scope
from tasks import artifacts, lifecycle
from tasks.maintenance import artifact_gc, lease_recovery
from tasks.models import Task
from tests.support.task_factories import asked, made

pytestmark = pytest.mark.django_db

RESULT = {"rows": 1, "bytes": 2}
HOURS_AGO = time.time() - 2 * 3600


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path
    return tmp_path


def put(folder, task, fence, *, is_draft=False, modified=HOURS_AGO):
    """A file of that attempt, as old as said."""
    name = f"{task.pk}.{fence}.json"
    path = (
        folder / artifacts.shard_of(task.pk) / (f".{name}.draft" if is_draft else name)
    )
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"[]")
    os.utime(path, (modified, modified))
    return path


def settle(task) -> bool:
    return artifact_gc.sweep_shard(artifacts.shard_of(task.pk))


def test_old_file_that_no_row_names_is_removed(teacher, folder):
    task = made(teacher)
    left = [put(folder, task, 7), put(folder, task, 8, is_draft=True)]
    young = put(folder, task, 9, modified=time.time() - 60)

    settle(task)

    assert [path.exists() for path in left] == [False, False]
    assert young.exists()
    assert artifacts.exists(task.artifact)


def test_old_artifact_that_its_row_names_is_kept(teacher, folder):
    task = made(teacher)
    path = put(folder, task, task.fence)
    assert path == folder / task.artifact

    settle(task)

    assert path.exists()


def test_file_of_a_task_that_is_gone_is_removed(teacher, folder):
    task = asked(teacher)
    path = put(folder, task, 1)
    Task.objects.all().delete()

    settle(task)

    assert not path.exists()


@pytest.mark.guarantee("The file of a running attempt is not deleted.")
def test_file_of_the_attempt_that_runs_is_kept(teacher, folder):
    task = lifecycle.claim(asked(teacher).pk)
    own = [put(folder, task, 1), put(folder, task, 1, is_draft=True)]
    of_an_older = put(folder, task, 0)

    settle(task)

    assert [path.exists() for path in own] == [True, True]
    assert not of_an_older.exists()


def test_file_whose_row_names_it_only_just_now_is_kept(teacher, folder, monkeypatch):
    task = lifecycle.claim(asked(teacher).pk)
    path = put(folder, task, 1)
    name = str(path.relative_to(folder))
    stored = artifacts.list_shard

    def succeed_first(of):
        scope = Scope.from_json(task.scope)
        lifecycle.succeed(task, artifact=name, result=RESULT, scope=scope)
        return stored(of)

    monkeypatch.setattr(artifacts, "list_shard", succeed_first)
    settle(task)

    assert path.exists()
    task.refresh_from_db()
    assert task.state == "succeeded"


def test_file_of_an_attempt_that_lost_its_task_is_removed(teacher, folder):
    task = lifecycle.claim(asked(teacher).pk)
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")
    lease_recovery.recover_tasks()
    path = put(folder, task, 1)  # it woke up, and did not know yet

    settle(task)

    assert not path.exists()


def test_strangers_files_are_left_alone(teacher, folder):
    task = made(teacher)
    path = folder / artifacts.shard_of(task.pk) / "notes.txt"
    path.touch()
    os.utime(path, (HOURS_AGO, HOURS_AGO))

    settle(task)

    assert path.exists()


def test_row_whose_file_is_gone_expires(teacher):
    lost, kept = made(teacher), made(teacher)
    settle(kept)  # marks the place, while all is well
    artifacts.delete_artifact(lost.artifact)

    for task in (lost, kept):
        settle(task)

    lost.refresh_from_db()
    kept.refresh_from_db()
    assert (lost.state, kept.state) == ("expired", "succeeded")
    assert (lost.result, lost.parameters) == (None, {})


@pytest.mark.guarantee("A missing disk deletes no task.")
def test_disk_that_is_missing_is_no_deletion(teacher, settings, folder, caplog):
    old = made(teacher)
    settle(old)
    settings.ARTIFACTS_DIR = folder / "not-mounted"
    new = made(teacher)  # goes to the wrong place, which it makes
    stray = put(settings.ARTIFACTS_DIR, old, 9)

    for task in (old, new):
        assert not settle(task)
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
    task = made(teacher)
    own = artifacts.shard_of(task.pk)

    found = {
        folder: [row.pk for row in artifact_gc._succeeded_tasks(folder)]
        for folder in artifacts.SHARDS
    }

    assert found.pop(own) == [task.pk]
    assert set(map(tuple, found.values())) == {()}


@pytest.mark.guarantee("A folder that cannot be listed does not count as empty.")
def test_folder_that_cannot_be_listed_is_not_empty(teacher, folder, monkeypatch):
    task = made(teacher)

    def too_many_open_files(_path):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("os.scandir", too_many_open_files)
    with pytest.raises(OSError, match="Too many"):
        settle(task)

    task.refresh_from_db()
    assert task.state == "succeeded"
