"""Pools for reports, as the guide in Portuguese describes them.

The report `hanging` computes longer than its lease and then hangs. Where the heartbeat runs
meanwhile, it fails the report at its time limit; where it does not, the lease runs out.
"""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.support.stack import LEASE_SECONDS, Stack

pytestmark = [
    pytest.mark.deep("it starts a service, and lets leases run out"),
    pytest.mark.one_database("the pool decides, not the database"),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("pools")) as stack:
        yield stack


def fail_with_pool(stack: Stack, pool: str, lease_seconds: int) -> tuple[str, int]:
    """Make the report `hanging` in a pool; return the error's code and the attempts."""
    worker = stack.supervisor.processes["worker-reports"]
    worker.terminate()
    worker.wait()
    command = [
        *("env", f"LEASE_SECONDS={lease_seconds}"),
        *(sys.executable, "-m", "celery", "-A", "school", "worker", "--queues", "reports"),
        *("--hostname", f"{pool}@%h", "--pool", pool, "--concurrency", "2"),
    ]  # fmt: skip
    stack.supervisor.start("worker-reports", command)
    client = stack.as_user("teacher")
    try:
        task = client.request_report({"report": "hanging"})
        done = stack.wait_until_final(client, task, seconds=60)
    finally:
        # The report still hangs, so the worker would not stop.
        os.killpg(stack.supervisor.processes["worker-reports"].pid, signal.SIGKILL)
    return done["error"]["code"], done["attempt"]


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_heartbeat_during_computation_in_threads_or_solo_pool_runs(service, pool):
    assert fail_with_pool(service, pool, LEASE_SECONDS) == ("timeout", 1)


def test_heartbeat_during_computation_in_gevent_pool_does_not_run(service):
    # The lease runs out long before the time limit, at which the greenlet runs again.
    assert fail_with_pool(service, "gevent", 1) == ("worker_lost", 3)
