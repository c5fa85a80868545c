"""Template databases: loaded once per test run and copied afterwards."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg


def load_or_restore(url: str, name: str, load: Callable[[], object]) -> None:
    """Fill the empty database with `load`, or with a copy of the template of that name.

    A copy takes a tenth of a second, `load` several seconds of CPU time.
    """
    template = _template_for(url, name)
    if template is None:
        load()
        return
    with (Path(os.environ["TEST_STATE"]) / "loaded.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if template.exists():
            template.restore()
        else:
            load()
            template.save()


def _template_for(
    url: str, name: str
) -> "_SqliteTemplate | _PostgresqlTemplate | None":
    if "TEST_STATE" not in os.environ:
        return None  # outside a test run the template would not be reused
    if url.startswith("sqlite:///"):
        return _SqliteTemplate(Path(url.removeprefix("sqlite:///")), name)
    server_url = os.environ.get("TEST_DATABASE_URL", "")
    target_url = urlsplit(url)
    is_test_server = target_url._replace(path="") == urlsplit(server_url)._replace(
        path=""
    )
    return (
        _PostgresqlTemplate(server_url, target_url.path.removeprefix("/"), name)
        if is_test_server
        else None
    )


class _SqliteTemplate:
    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._template_path = Path(os.environ["TEST_STATE"]) / f"{name}.sqlite3"

    def exists(self) -> bool:
        return self._template_path.exists()

    def save(self) -> None:
        with (
            closing(sqlite3.connect(self._path)) as database,
            closing(sqlite3.connect(self._template_path)) as template,
        ):
            database.backup(template)

    def restore(self) -> None:
        shutil.copyfile(self._template_path, self._path)


class _PostgresqlTemplate:
    def __init__(self, server: str, database: str, name: str) -> None:
        self._server, self._database, self._template_name = server, database, name

    def exists(self) -> bool:
        with psycopg.connect(self._server) as connection:
            sql = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(sql, [self._template_name]).fetchone() is not None

    def save(self) -> None:
        self._run(
            f'CREATE DATABASE "{self._template_name}" TEMPLATE "{self._database}"'
        )

    def restore(self) -> None:
        self._run(
            f'DROP DATABASE "{self._database}"',
            f'CREATE DATABASE "{self._database}" TEMPLATE "{self._template_name}"',
        )

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
