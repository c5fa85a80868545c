"""Requests while another process holds SQLite's write lock."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest

from tests.support.environment import DATABASE
from tests.support.stack import Stack

pytestmark = pytest.mark.skipif(
    DATABASE != "sqlite", reason="only SQLite has a single write lock"
)


@pytest.mark.guarantee("A slow writer in SQLite delays no other request.")
def test_write_lock_delays_no_other_request(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 0.1}}
    task = client.request("POST", "/reports", body)
    stack.wait_until_final(client, task)
    accepted = []
    submission = threading.Thread(
        target=lambda: accepted.append(client.request("POST", "/reports", body))
    )

    with closing(sqlite3.connect(stack.folder / "school.sqlite3")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        submission.start()
        latency = max_latency(3, client, ["/healthz", task["links"]["self"]])
        was_blocked = not accepted
        writer.rollback()
    submission.join()

    assert was_blocked
    assert latency < 1  # SQLite's own busy timeout would block all requests
    assert stack.wait_until_final(client, accepted[0])["state"] == "succeeded"


def max_latency(seconds, client, paths):
    """Return the longest response time of these paths, requested for `seconds`."""
    max_seconds = 0.0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for path in paths:
            started_at = time.monotonic()
            client.request("GET", path)
            max_seconds = max(max_seconds, time.monotonic() - started_at)
        time.sleep(0.05)
    return max_seconds
