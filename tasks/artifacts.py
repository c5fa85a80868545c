"""Artifact storage: report files, written atomically under a name with the fence."""

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
_syncs = ThreadPoolExecutor(1, "artifact-sync")
_SENTINEL = "README.txt"
_SENTINEL_TEXT = """\
Report files are stored here. While this file is missing, no report file counts as deleted,
because the volume may not be mounted. If the report files are lost for good, create a file
with this name here.
"""


@dataclass
class Artifact:
    """A file being written; `bytes` and `sha256` are set when it is complete."""

    name: str
    file: BufferedRandom
    bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class StoredFile:
    """An existing file, complete or a draft."""

    name: str
    task_id: uuid.UUID
    fence: int
    mtime: float


@contextmanager
def write_artifact(
    task_id: uuid.UUID, fence: int, extension: str
) -> Iterator[Artifact]:
    """Yield a file to write; on exit, sync it to disk and rename it into place.

    The name contains the fence, so a worker that lost its lease cannot overwrite the file
    of a later attempt. If writing fails, the file is deleted.
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
            fd = os.dup(file.fileno())
        _sync_as(path, draft, fd)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        draft.unlink(missing_ok=True)


def open_artifact(name: str) -> IO[bytes] | None:
    try:
        return _path(name).open("rb")
    except FileNotFoundError:
        return None


def size(name: str) -> int | None:
    """Return the size of the file in bytes, or None if it does not exist."""
    try:
        return _path(name).stat().st_size
    except FileNotFoundError:
        return None


def free_bytes() -> int:
    """Return the free space of the artifact volume in bytes."""
    folder = _path("")
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free


def read_artifact(name: str) -> bytes | None:
    file = open_artifact(name)
    if file is None:
        return None
    with file:
        return file.read()


def delete_other_attempts(
    task_id: uuid.UUID, keep_name: str = "", *, max_fence: int | None = None
) -> None:
    """Delete every file of the task except `keep_name`, including drafts.

    With `max_fence`, files of later attempts are kept: one may be running already.
    """
    shard = shard_of(task_id)
    for path in _path(shard).glob(f"*{task_id}.*"):
        match = _FILE_NAME.fullmatch(path.name)
        is_later = max_fence is not None and match and int(match["fence"]) > max_fence
        if f"{shard}/{path.name}" != keep_name and not is_later:
            path.unlink(missing_ok=True)


def list_shard(shard: str) -> list[StoredFile]:
    """List the task files in a shard; a missing folder is empty, other files are ignored.

    Raises `OSError` if the folder exists but cannot be listed.
    """
    files = []
    with suppress(FileNotFoundError), os.scandir(_path(shard)) as entries:
        for entry in entries:
            if match := _FILE_NAME.fullmatch(entry.name):
                with suppress(FileNotFoundError):  # renamed or deleted since scandir
                    modified = entry.stat().st_mtime
                    name, task_id = f"{shard}/{entry.name}", uuid.UUID(match["id"])
                    files.append(
                        StoredFile(name, task_id, int(match["fence"]), modified)
                    )
    return files


def exists(name: str) -> bool:
    return _path(name).exists()


def has_sentinel() -> bool:
    """Return whether the sentinel file exists, so the artifact volume is mounted."""
    return exists(_SENTINEL)


def write_sentinel() -> None:
    _path(_SENTINEL).parent.mkdir(parents=True, exist_ok=True)
    _path(_SENTINEL).write_text(_SENTINEL_TEXT)


def delete_artifact(name: str) -> None:
    if name:
        _path(name).unlink(missing_ok=True)


def shard_of(task_id: uuid.UUID) -> str:
    # The last digits of a UUIDv7 are random, so the folders fill evenly.
    return task_id.hex[-2:]


def _path(name: str) -> Path:
    return Path(settings.ARTIFACTS_DIR) / name


def _finalize(artifact: Artifact) -> None:
    artifact.file.flush()
    artifact.bytes = artifact.file.tell()
    artifact.file.seek(0)
    artifact.sha256 = hashlib.file_digest(artifact.file, "sha256").hexdigest()


def _sync_as(path: Path, draft: Path, fd: int) -> None:
    """Give the complete draft its name; make both survive a power cut.

    The name comes first, since no row has it yet: the content and the name are then written
    at the same time, by one commit of the file system's journal instead of two.
    """
    try:
        # Elsewhere a directory cannot be synced, nor an open file be renamed.
        if os.name != "posix":
            os.fsync(fd)
        else:
            draft.rename(path)
            content_sync = _syncs.submit(os.fsync, fd)
            try:
                _fsync_directory(path.parent)
            finally:
                content_sync.result()
    finally:
        os.close(fd)
    if os.name != "posix":
        draft.rename(path)


def _fsync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
