"""The servers that the tests run against, and the settings that lead there.

Loaded by pytest before Django's settings. The first process starts the servers; the
processes that it distributes the tests to inherit their addresses.
"""

import os
import shutil
import tempfile
from pathlib import Path

import redis

from school.runtime.embedded_redis import EmbeddedRedis
from tests.support.postgresql import PostgresqlServer

DATABASE = os.environ.setdefault("TEST_DATABASE", "sqlite")
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
_cleanups = []


def start_servers() -> None:
    """Start Valkey, and PostgreSQL if it is to be tested and none is given."""
    state = Path(tempfile.mkdtemp(prefix="school-tests-"))
    _cleanups.append(lambda: shutil.rmtree(state, ignore_errors=True))
    os.environ["TEST_STATE"] = str(state)
    valkey = EmbeddedRedis(state)
    os.environ["TEST_REDIS_URL"] = valkey.start()
    _cleanups.append(valkey.stop)
    # Its disk is nothing to the tests, which would wait for it where it is slow.
    redis.Redis.from_url(os.environ["TEST_REDIS_URL"]).config_set("appendonly", "no")
    if DATABASE == "postgresql" and "TEST_DATABASE_URL" not in os.environ:
        server = PostgresqlServer()
        _cleanups.append(server.close)
        # What it loses when the machine loses power is worth nothing; each commit is quicker.
        server.set_parameter("fsync", "off")
        os.environ["TEST_DATABASE_URL"] = server.url


def configure_process() -> None:
    """Give this process a state folder, a Redis database and a database of its own."""
    worker_dir = Path(os.environ["TEST_STATE"]) / (_WORKER or "main")
    worker_dir.mkdir(exist_ok=True)
    redis_database = int(_WORKER.removeprefix("gw") or 0) % 15 + 1
    os.environ["VAR_DIR"] = str(worker_dir)
    os.environ["REDIS_URL"] = (
        os.environ["TEST_REDIS_URL"].removesuffix("0") + f"{redis_database}"
    )
    os.environ["REPORT_PACKAGES"] = "tasks.reports,tests.reports"
    if DATABASE == "postgresql":
        os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    else:
        os.environ["DATABASE_URL"] = f"sqlite:///{worker_dir / 'school.sqlite3'}"


def pytest_unconfigure() -> None:
    for stop in reversed(_cleanups):
        stop()


if not _WORKER:
    start_servers()
configure_process()
