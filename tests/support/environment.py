"""Servers that the tests run against, and the environment variables that point to them.

Loaded by pytest before Django's settings. The main process starts the servers; the xdist
workers inherit their addresses.
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
    """Start Valkey, and PostgreSQL if it is under test and `TEST_DATABASE_URL` is not set."""
    state = Path(tempfile.mkdtemp(prefix="school-tests-"))
    _cleanups.append(lambda: shutil.rmtree(state, ignore_errors=True))
    os.environ["TEST_STATE"] = str(state)
    valkey = EmbeddedRedis(state)
    os.environ["TEST_REDIS_URL"] = valkey.start()
    _cleanups.append(valkey.stop)
    # The tests do not need persistence, and a slow disk would delay them.
    redis.Redis.from_url(os.environ["TEST_REDIS_URL"]).config_set("appendonly", "no")
    if DATABASE == "postgresql" and "TEST_DATABASE_URL" not in os.environ:
        server = PostgresqlServer()
        _cleanups.append(server.close)
        # The data need not survive a power failure, and commits are faster.
        server.set_parameter("fsync", "off")
        os.environ["TEST_DATABASE_URL"] = server.url


def configure_process() -> None:
    """Give this process its own state folder, Redis database and SQL database."""
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
