"""Rotation of the logs of `make up`, so that they cannot fill the disk."""

import os
import shutil
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
MAX_OLD_FILES = 2
"""Number of rotated files beside the current one; compose.yaml keeps as many."""


def rotate(log: Path) -> None:
    """Move a log that is too long to `<name>.1`, and the older ones one number on."""
    if not log.exists() or log.stat().st_size < MAX_BYTES:
        return
    for number in range(MAX_OLD_FILES - 1, 0, -1):
        older = _old_file(log, number)
        if older.exists():
            older.replace(_old_file(log, number + 1))
    # Processes hold the file open for appending: it is copied and emptied, not renamed.
    shutil.copyfile(log, _old_file(log, 1))
    os.truncate(log, 0)


def _old_file(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
