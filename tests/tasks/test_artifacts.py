import errno
import hashlib
import os
import stat
import time
import uuid

import pytest

from tasks import artifacts

pytestmark = pytest.mark.usefixtures("artifacts_dir")

TASK = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55ab6")
SHARD = "b6"


def create_files(artifacts_dir, *names):
    """Create files that the service itself would not write."""
    for name in names:
        (artifacts_dir / name).parent.mkdir(exist_ok=True)
        (artifacts_dir / name).write_bytes(b"x")


def list_names(artifacts_dir):
    return [path.name for path in (artifacts_dir / SHARD).iterdir()]


def test_artifact_gets_its_name_only_when_complete(artifacts_dir):
    with artifacts.write_artifact(TASK, 3, "csv") as artifact:
        artifact.file.write(b"x" * 3_000_000)
        assert not [
            name for name in list_names(artifacts_dir) if not name.startswith(".")
        ]

    assert artifact.name == f"{SHARD}/{TASK}.3.csv"
    assert artifact.bytes == 3_000_000
    assert artifact.sha256 == hashlib.sha256(b"x" * 3_000_000).hexdigest()


@pytest.mark.guarantee("A result file is complete or does not exist.")
def test_failed_artifact_write_leaves_no_file(artifacts_dir):
    def write_half():
        with artifacts.write_artifact(TASK, 4, "csv") as artifact:
            artifact.file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()

    assert list_names(artifacts_dir) == []


@pytest.mark.guarantee("A result file is complete or does not exist.")
@pytest.mark.parametrize("is_failing", [stat.S_ISREG, stat.S_ISDIR])
def test_failed_sync_of_content_or_name_leaves_no_file(
    artifacts_dir, monkeypatch, is_failing
):
    sync = os.fsync

    def fail_for_some(fd):
        if is_failing(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        sync(fd)

    monkeypatch.setattr(os, "fsync", fail_for_some)
    with (
        pytest.raises(OSError, match="Input/output"),
        artifacts.write_artifact(TASK, 4, "csv") as artifact,
    ):
        artifact.file.write(b"whole")

    assert list_names(artifacts_dir) == []


def test_artifact_is_synced_before_its_block_ends(artifacts_dir, monkeypatch):
    kinds, sync = [], os.fsync

    def record(fd):
        time.sleep(0.05)
        sync(fd)
        kinds.append(stat.S_IFMT(os.fstat(fd).st_mode))

    monkeypatch.setattr(os, "fsync", record)
    with artifacts.write_artifact(TASK, 4, "csv") as artifact:
        artifact.file.write(b"whole")
        assert not kinds

    assert sorted(kinds) == [stat.S_IFDIR, stat.S_IFREG]


def test_artifacts_of_two_fences_are_separate_files():
    with artifacts.write_artifact(TASK, 1, "csv") as first:
        first.file.write(b"first")
    with artifacts.write_artifact(TASK, 2, "csv") as second:
        second.file.write(b"second")

    assert artifacts.read_artifact(first.name) == b"first"
    assert artifacts.read_artifact(second.name) == b"second"


def test_delete_other_attempts_keeps_named_artifact(artifacts_dir):
    other = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55bb6")
    names = [f"{TASK}.1.csv", f".{TASK}.2.csv.draft", f"{TASK}.3.csv"]
    names = [f"{SHARD}/{name}" for name in names]
    other_name = f"{SHARD}/{other}.1.csv"
    create_files(artifacts_dir, *names, other_name)

    artifacts.delete_other_attempts(TASK, names[2])
    assert [artifacts.exists(name) for name in names] == [False, False, True]

    artifacts.delete_other_attempts(TASK)
    artifacts.delete_other_attempts(uuid.UUID(int=0))  # its shard does not exist
    assert not artifacts.exists(names[2])
    assert artifacts.exists(other_name)


def test_list_shard_parses_task_and_fence(artifacts_dir):
    whole, draft = f"{SHARD}/{TASK}.1.csv", f"{SHARD}/.{TASK}.12.csv.draft"
    create_files(
        artifacts_dir, whole, draft, f"{SHARD}/README.txt", f"{SHARD}/{TASK}.csv"
    )

    listed = {
        (file.name, file.task_id, file.fence) for file in artifacts.list_shard(SHARD)
    }

    assert listed == {(whole, TASK, 1), (draft, TASK, 12)}
    assert artifacts.list_shard("00") == []


def test_missing_artifact_reads_as_none():
    assert artifacts.read_artifact("zz/none.csv") is None
    artifacts.delete_artifact("zz/none.csv")
