"""The files of finished reports: written whole under a fenced name, or not at all."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import IO, cast

from django.conf import settings


@dataclass
class Artifact:
    """A file being written; its size and digest are known when it is sealed."""

    name: str
    file: BufferedRandom
    bytes: int = 0
    sha256: str = ""


@contextmanager
def write(task_id: uuid.UUID, fence: int, extension: str) -> Iterator[Artifact]:
    """Give a file to write; on leaving it is flushed to the disk and renamed into place.

    The name contains the fence, so a worker that lost its lease writes over nobody's
    file. If writing fails nothing stays.
    """
    # The last digits of a UUIDv7 are random, which keeps the folders equally full.
    name = f"{task_id.hex[-2:]}/{task_id}.{fence}.{extension}"
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("w+b", buffering=1024 * 1024) as file:
            artifact = Artifact(name, cast(BufferedRandom, file))
            yield artifact
            _seal(artifact)
        draft.rename(path)
        _sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def open_artifact(name: str) -> IO[bytes] | None:
    try:
        return _path(name).open("rb")
    except FileNotFoundError:
        return None


def read(name: str) -> bytes | None:
    file = open_artifact(name)
    if file is None:
        return None
    with file:
        return file.read()


def remove(name: str) -> None:
    if name:
        _path(name).unlink(missing_ok=True)


def _path(name: str) -> Path:
    return Path(settings.ARTIFACTS_DIR) / name


def _seal(artifact: Artifact) -> None:
    artifact.file.flush()
    os.fsync(artifact.file.fileno())
    artifact.bytes = artifact.file.tell()
    artifact.file.seek(0)
    artifact.sha256 = hashlib.file_digest(artifact.file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself outlive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
