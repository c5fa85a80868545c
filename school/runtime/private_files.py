"""Removal of other users' access to the files of this machine's service."""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SharedFolder(Exception):
    """The folder is meant for the files of all users, such as `/tmp`."""


def tighten(folder: Path) -> None:
    """Take away the rights of others to the folder and everything in it.

    Symbolic links are left alone, with what they point to.
    """
    if sys.platform == "win32":
        return
    if folder.stat().st_mode & stat.S_ISVTX:
        raise SharedFolder(f"{folder} is a folder that all users share")
    _tighten_entry(folder)  # first: from now on nobody else gets in
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _tighten_entry(Path(parent) / name)


def tighten_database(path: Path) -> None:
    """Take away the rights of others to the SQLite file and the files beside it."""
    if sys.platform == "win32":
        return
    for suffix in ("", "-wal", "-shm"):
        _tighten_entry(path.with_name(path.name + suffix))


def _tighten_entry(path: Path) -> None:
    # Absent by now, or of another user, whom the folder's own mode keeps out.
    with suppress(FileNotFoundError, PermissionError):
        mode = path.lstat().st_mode
        if mode & GROUP_AND_OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~GROUP_AND_OTHERS)
