"""Start of the service's processes with a database that cannot be used."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from school.runtime.embedded_redis import free_port
from school.runtime.processes import MANAGE_PY, service_commands
from tests.support.environment import DATABASE

pytestmark = pytest.mark.skipif(DATABASE != "postgresql", reason="needs PostgreSQL")

WRONG_NAME = (
    'database \\"missing\\" does not exist. Create the database, or correct the name at '
    "the end of DATABASE_URL."
)


def wrong_url() -> str:
    url = os.environ["TEST_DATABASE_URL"]
    return re.sub(r"/[^/?]*(\?|$)", r"/missing\1", url, count=1)


def start(name: str, url: str) -> subprocess.Popen:
    return subprocess.Popen(
        service_commands(bind=f"127.0.0.1:{free_port()}")[name],
        env={**os.environ, "DATABASE_URL": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.guarantee("A database that cannot be used is named with its remedy.")
@pytest.mark.parametrize("name", ["web", "worker-reports", "dispatcher"])
def test_process_with_wrong_database_does_not_start(name):
    process = start(name, wrong_url())
    log, _ = process.communicate(timeout=60)

    assert process.returncode == 3, log
    assert WRONG_NAME in log
    assert "Traceback" not in log


@pytest.mark.deep("a process that stops after its jobs have failed")
@pytest.mark.guarantee("An outage of the database is logged when it begins and ends.")
def test_process_without_answer_of_the_database_starts_and_says_why():
    url = f"postgresql://school:s3cret@127.0.0.1:{free_port()}/school"
    process = start("dispatcher", url)
    try:
        lines = iter(process.stdout.readline, "")
        first = next(line for line in lines if "database_unavailable" in line)
        time.sleep(3)  # ticks that fail
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)

    assert "Connection refused" in first
    assert "Start PostgreSQL, or correct host and port in DATABASE_URL." in first
    assert "s3cret" not in first + rest
    assert "database_unavailable" not in rest
    assert "Traceback" not in rest


def test_command_with_a_wrong_setting_says_which_in_one_line():
    process = subprocess.run(
        [sys.executable, MANAGE_PY, "check"],
        env={**os.environ, "REDIS_URL": "http://host"},
        capture_output=True,
        text=True,
    )

    assert process.returncode == 1
    [line] = process.stderr.splitlines()
    assert line.startswith("The settings are wrong: REDIS_URL must begin with one of")


def test_migrate_with_wrong_database_says_why():
    process = subprocess.run(
        [sys.executable, MANAGE_PY, "migrate"],
        env={**os.environ, "DATABASE_URL": wrong_url()},
        capture_output=True,
        text=True,
    )

    assert process.returncode == 1
    assert 'database "missing" does not exist' in process.stderr
    assert "HINT: Create the database" in process.stderr
    assert "Traceback" not in process.stderr
