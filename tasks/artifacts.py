"""The files of finished reports: written whole under a fenced name, or not at all."""

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import IO, cast

from django.conf import settings

SHARDS = [f"{number:02x}" for number in range(256)]
_FILE_NAME = re.compile(
    r"\.?(?P<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(?P<fence>\d+)\..+"
)
_SENTINEL = "README.txt"
_SENTINEL_TEXT = """\
The files of reports. While this note is missing, none of them is taken for deleted: the
disk itself may be. If they are gone for good, put a file of this name here.
"""


@dataclass
class Artifact:
    """A file being written; its size and digest are known when it is sealed."""

    name: str
    file: BufferedRandom
    bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class StoredFile:
    """A file that is there, whole or a draft."""

    name: str
    task_id: uuid.UUID
    fence: int
    mtime: float


@contextmanager
def write_artifact(
    task_id: uuid.UUID, fence: int, extension: str
) -> Iterator[Artifact]:
    """Give a file to write; on leaving it is flushed to the disk and renamed into place.

    The name contains the fence, so a worker that lost its lease writes over nobody's
    file. If writing fails nothing stays.
    """
    name = f"{shard_of(task_id)}/{task_id}.{fence}.{extension}"
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("w+b", buffering=1024 * 1024) as file:
            artifact = Artifact(name, cast(BufferedRandom, file))
            yield artifact
            _finalize(artifact)
        draft.rename(path)
        _fsync_directory(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def open_artifact(name: str) -> IO[bytes] | None:
    try:
        return _path(name).open("rb")
    except FileNotFoundError:
        return None


def size(name: str) -> int | None:
    """How many bytes the file has, if it is there."""
    try:
        return _path(name).stat().st_size
    except FileNotFoundError:
        return None


def read_artifact(name: str) -> bytes | None:
    file = open_artifact(name)
    if file is None:
        return None
    with file:
        return file.read()


def delete_other_attempts(
    task_id: uuid.UUID, keep_name: str = "", *, max_fence: int | None = None
) -> None:
    """Erase every file of the task, drafts too, but that one.

    With a fence, only those up to it: a later attempt may be at work already.
    """
    shard = shard_of(task_id)
    for path in _path(shard).glob(f"*{task_id}.*"):
        match = _FILE_NAME.fullmatch(path.name)
        is_later = max_fence is not None and match and int(match["fence"]) > max_fence
        if f"{shard}/{path.name}" != keep_name and not is_later:
            path.unlink(missing_ok=True)


def list_shard(shard: str) -> list[StoredFile]:
    """The files of tasks in that folder; others are not ours to judge.

    Raises `OSError` where the folder is there and cannot be listed: that is not empty.
    """
    files = []
    with suppress(FileNotFoundError), os.scandir(_path(shard)) as entries:
        for entry in entries:
            if match := _FILE_NAME.fullmatch(entry.name):
                with suppress(FileNotFoundError):  # renamed or removed just now
                    modified = entry.stat().st_mtime
                    name, task_id = f"{shard}/{entry.name}", uuid.UUID(match["id"])
                    files.append(
                        StoredFile(name, task_id, int(match["fence"]), modified)
                    )
    return files


def exists(name: str) -> bool:
    return _path(name).exists()


def has_sentinel() -> bool:
    """Whether this is the place that was marked, and not one whose disk is missing."""
    return exists(_SENTINEL)


def write_sentinel() -> None:
    _path(_SENTINEL).parent.mkdir(parents=True, exist_ok=True)
    _path(_SENTINEL).write_text(_SENTINEL_TEXT)


def delete_artifact(name: str) -> None:
    if name:
        _path(name).unlink(missing_ok=True)


def shard_of(task_id: uuid.UUID) -> str:
    # The last digits of a UUIDv7 are random, which keeps the folders equally full.
    return task_id.hex[-2:]


def _path(name: str) -> Path:
    return Path(settings.ARTIFACTS_DIR) / name


def _finalize(artifact: Artifact) -> None:
    artifact.file.flush()
    os.fsync(artifact.file.fileno())
    artifact.bytes = artifact.file.tell()
    artifact.file.seek(0)
    artifact.sha256 = hashlib.file_digest(artifact.file, "sha256").hexdigest()


def _fsync_directory(directory: Path) -> None:
    """Make the rename itself outlive a power cut, where the system can."""
    if os.name != "posix":
        return
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
