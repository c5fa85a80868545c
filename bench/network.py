"""Data sets: the demo network at benchmark size, with the naive tables.

    python -m bench.network [--students 100000]

A data set is built once and kept in `bench/.data` until the code that builds it changes.
100,000 students give 200 schools, 4,000 classes, 4 million grades and 800,000 days of lessons;
in the naive schema, 20 million rows of attendance.
"""

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from bench.naive import statements
from bench.options import Options, read_options
from school.runtime.processes import MANAGE_PY
from tests.support.postgresql import PostgresqlServer

HERE = Path(__file__).parent
DATA = HERE / ".data"
DATABASES = ("postgresql", "sqlite")
_SERVER_SETTINGS = {
    "shared_buffers": "'1GB'",
    "work_mem": "'64MB'",
    "maintenance_work_mem": "'512MB'",
    "jit": "off",
    "max_wal_size": "'2GB'",
    "synchronous_commit": "off",
    "checkpoint_timeout": "'30min'",
}


@contextmanager
def server() -> Iterator[str]:
    """Run the benchmark's PostgreSQL server inside the block; yield its URL."""
    DATA.mkdir(exist_ok=True)
    folder = DATA / "postgresql"
    is_new = not (folder / "PG_VERSION").exists()
    with closing(PostgresqlServer(folder)) as postgres:
        if is_new:
            _configure(postgres)
        yield postgres.url


def _configure(postgres: PostgresqlServer) -> None:
    for name, value in _SERVER_SETTINGS.items():
        postgres.set_parameter(name, value)
    postgres.stop()
    postgres.start()


@contextmanager
def datasets(students: int, *databases: str) -> Iterator[dict[str, str]]:
    """Yield the URL of the data set in each database, building missing ones."""
    names = databases or DATABASES
    urls = {}
    if "sqlite" in names:
        urls["sqlite"] = _build_sqlite(students)
    if "postgresql" not in names:
        yield urls
        return
    with server() as url:
        urls["postgresql"] = _build_postgresql(students, url)
        yield urls


def environment(url: str) -> dict[str, str]:
    """Return the environment of a service process that uses the data set at the URL."""
    return {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "school.settings",
        "LOG_LEVEL": "WARNING",
        "REDIS_URL": "redis://127.0.0.1:1/0",  # no Redis: the benchmark publishes nothing
        "VAR_DIR": str(DATA / "var"),
    }


def _build_sqlite(students: int) -> str:
    folder = DATA / f"sqlite-{students}"
    path, sentinel = folder / "school.sqlite3", folder / "made-by"
    url = f"sqlite:///{path}"
    if not sentinel.exists() or sentinel.read_text() != _fingerprint():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _load(url, students)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -500000")
            for statement in [*statements("sqlite"), "ANALYZE"]:
                connection.execute(statement)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sentinel.write_text(_fingerprint())
    return url


def _build_postgresql(students: int, server_url: str) -> str:
    name = f"network_{students}"
    url = re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", server_url, count=1)
    with psycopg.connect(server_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
            " WHERE datname = %s",
            [name],
        ).fetchone()
        if row and row[0] == _fingerprint():
            return url
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        _load(url, students)
        with psycopg.connect(url, autocommit=True) as database:
            for statement in [*statements("postgresql"), "VACUUM (ANALYZE)"]:
                database.execute(statement)
        connection.execute(f"COMMENT ON DATABASE {name} IS '{_fingerprint()}'")
    return url


def _load(url: str, students: int) -> None:
    sys.stderr.write(f"Making {students} students in {url.partition(':')[0]} ...\n")
    for arguments in (
        ["migrate", "--verbosity", "0"],
        ["demo", "--force", "--students", str(students)],
    ):
        subprocess.run(
            [sys.executable, str(MANAGE_PY), *arguments],
            env=environment(url),
            check=True,
            stdout=sys.stderr,
        )


def _fingerprint() -> str:
    """Return a digest of all source files that determine a data set."""
    root = HERE.parent
    paths = [
        *sorted((root / "school" / "demo").glob("*.py")),
        *sorted((root / "school" / "migrations").glob("*.py")),
        HERE / "naive.py",
    ]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def main(options: Options) -> None:
    with datasets(options.students) as urls:
        sys.stdout.write("\n".join(urls.values()) + "\n")


if __name__ == "__main__":
    main(read_options(__doc__))
