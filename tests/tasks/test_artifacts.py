import hashlib
import uuid
from pathlib import Path

import pytest

from tasks import artifacts

TASK = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55ab6")
FOLDER = "b6"


@pytest.fixture(autouse=True)
def root(settings, tmp_path) -> Path:
    """A place of the test's own, where nothing is yet."""
    settings.ARTIFACTS_DIR = tmp_path
    return tmp_path


def put(root, *names):
    """Files that somebody has left there, as the service would not write them itself."""
    for name in names:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")


def names_in(root):
    return [path.name for path in (root / FOLDER).iterdir()]


def test_artifact_is_whole_when_it_has_its_name(root):
    with artifacts.write_artifact(TASK, 3, "csv") as artifact:
        artifact.file.write(b"x" * 3_000_000)
        assert not [name for name in names_in(root) if not name.startswith(".")]

    assert artifact.name == f"{FOLDER}/{TASK}.3.csv"
    assert artifact.bytes == 3_000_000
    assert artifact.sha256 == hashlib.sha256(b"x" * 3_000_000).hexdigest()


@pytest.mark.guarantee("A result file is complete or does not exist.")
def test_artifact_whose_writing_fails_leaves_nothing(root):
    def half_a_file():
        with artifacts.write_artifact(TASK, 4, "csv") as artifact:
            artifact.file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_a_file()

    assert names_in(root) == []


def test_artifacts_of_two_fences_do_not_meet():
    with artifacts.write_artifact(TASK, 1, "csv") as first:
        first.file.write(b"first")
    with artifacts.write_artifact(TASK, 2, "csv") as second:
        second.file.write(b"second")

    assert artifacts.read_artifact(first.name) == b"first"
    assert artifacts.read_artifact(second.name) == b"second"


def test_only_the_artifact_that_counts_is_kept(root):
    other = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55bb6")
    names = [f"{TASK}.1.csv", f".{TASK}.2.csv.draft", f"{TASK}.3.csv"]
    names = [f"{FOLDER}/{name}" for name in names]
    of_other = f"{FOLDER}/{other}.1.csv"
    put(root, *names, of_other)

    artifacts.delete_other_attempts(TASK, names[2])
    assert [artifacts.exists(name) for name in names] == [False, False, True]

    artifacts.delete_other_attempts(TASK)
    artifacts.delete_other_attempts(uuid.UUID(int=0))  # whose folder is not there
    assert not artifacts.exists(names[2])
    assert artifacts.exists(of_other)


def test_files_are_told_by_task_and_fence(root):
    whole, draft = f"{FOLDER}/{TASK}.1.csv", f"{FOLDER}/.{TASK}.12.csv.draft"
    put(root, whole, draft, f"{FOLDER}/README.txt", f"{FOLDER}/{TASK}.csv")

    found = {
        (file.name, file.task_id, file.fence) for file in artifacts.list_shard(FOLDER)
    }

    assert found == {(whole, TASK, 1), (draft, TASK, 12)}
    assert artifacts.list_shard("00") == []


def test_artifact_that_is_gone_reads_as_none():
    assert artifacts.read_artifact("zz/none.csv") is None
    artifacts.delete_artifact("zz/none.csv")
