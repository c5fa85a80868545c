import hashlib
import uuid

import pytest
from django.conf import settings

from tasks import artifacts

TASK = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55ab6")


def files():
    return [
        p.name
        for p in (settings.ARTIFACTS_DIR / "b6").glob("*")
        if TASK.hex[:8] in p.name
    ]


def test_artifact_is_whole_when_it_has_its_name():
    with artifacts.write(TASK, 3, "csv") as artifact:
        artifact.file.write(b"x" * 3_000_000)
        assert not [name for name in files() if not name.startswith(".")]

    assert artifact.name == f"b6/{TASK}.3.csv"
    assert artifact.bytes == 3_000_000
    assert artifact.sha256 == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    artifacts.remove(artifact.name)


def test_artifact_whose_writing_fails_leaves_nothing():
    def half_a_file():
        with artifacts.write(TASK, 4, "csv") as artifact:
            artifact.file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_a_file()

    assert files() == []


def test_artifacts_of_two_fences_do_not_meet():
    with artifacts.write(TASK, 1, "csv") as first:
        first.file.write(b"first")
    with artifacts.write(TASK, 2, "csv") as second:
        second.file.write(b"second")

    assert artifacts.read(first.name) == b"first"
    assert artifacts.read(second.name) == b"second"
    artifacts.remove(first.name)
    artifacts.remove(second.name)


def test_only_the_artifact_that_counts_is_kept():
    other = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55bb6")
    names = [f"b6/{TASK}.1.csv", f"b6/.{TASK}.2.csv.draft", f"b6/{TASK}.3.csv"]
    of_other = f"b6/{other}.1.csv"
    for name in (*names, of_other):
        (settings.ARTIFACTS_DIR / name).write_bytes(b"x")

    artifacts.keep_only(TASK, names[2])
    assert [artifacts.exists(name) for name in names] == [False, False, True]

    artifacts.keep_only(TASK)
    artifacts.keep_only(uuid.UUID(int=0))  # whose folder may not be there
    assert not artifacts.exists(names[2])
    assert artifacts.exists(of_other)
    artifacts.remove(of_other)


def test_files_are_told_by_task_and_fence(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path
    (tmp_path / "b6").mkdir()
    for name in (f"{TASK}.1.csv", f".{TASK}.12.csv.draft", "README.txt", f"{TASK}.csv"):
        (tmp_path / "b6" / name).touch()

    found = {(file.name, file.task_id, file.fence) for file in artifacts.stored("b6")}

    assert found == {
        (f"b6/{TASK}.1.csv", TASK, 1),
        (f"b6/.{TASK}.12.csv.draft", TASK, 12),
    }
    assert artifacts.stored("00") == []


def test_artifact_that_is_gone_reads_as_none():
    assert artifacts.read("zz/none.csv") is None
    artifacts.remove("zz/none.csv")
