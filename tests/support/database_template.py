"""The demo network in a database: loaded once a run, and copied for whoever comes later."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg


def fill(url: str, name: str, load: Callable[[], object]) -> None:
    """Bring what goes by that name into the empty database: by `load`, or as a copy.

    A copy takes a tenth of a second, and `load` some seconds of a processor.
    """
    copier = _copier(url, name)
    if copier is None:
        load()
        return
    with (Path(os.environ["TEST_STATE"]) / "loaded.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if copier.is_kept():
            copier.copy()
        else:
            load()
            copier.keep()


def _copier(url: str, name: str) -> "_File | _Server | None":
    if "TEST_STATE" not in os.environ:
        return None  # no run of the tests: nobody comes later
    if url.startswith("sqlite:///"):
        return _File(Path(url.removeprefix("sqlite:///")), name)
    ours = os.environ.get("TEST_DATABASE_URL", "")
    place = urlsplit(url)
    is_ours = place._replace(path="") == urlsplit(ours)._replace(path="")
    return _Server(ours, place.path.removeprefix("/"), name) if is_ours else None


class _File:
    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._kept = Path(os.environ["TEST_STATE"]) / f"{name}.sqlite3"

    def is_kept(self) -> bool:
        return self._kept.exists()

    def keep(self) -> None:
        with (
            closing(sqlite3.connect(self._path)) as source,
            closing(sqlite3.connect(self._kept)) as target,
        ):
            source.backup(target)

    def copy(self) -> None:
        shutil.copyfile(self._kept, self._path)


class _Server:
    def __init__(self, server: str, database: str, name: str) -> None:
        self._server, self._database, self._kept = server, database, name

    def is_kept(self) -> bool:
        with psycopg.connect(self._server) as connection:
            sql = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(sql, [self._kept]).fetchone() is not None

    def keep(self) -> None:
        self._run(f'CREATE DATABASE "{self._kept}" TEMPLATE "{self._database}"')

    def copy(self) -> None:
        self._run(
            f'DROP DATABASE "{self._database}"',
            f'CREATE DATABASE "{self._database}" TEMPLATE "{self._kept}"',
        )

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
