import sqlite3
import threading
import time
from contextlib import closing

import pytest

from tests.support.environment import DATABASE
from tests.support.stack import Stack

pytestmark = pytest.mark.skipif(DATABASE != "sqlite", reason="only SQLite has one lock")


@pytest.mark.guarantee("A slow writer in SQLite delays no other request.")
def test_slow_writer_stalls_no_other_request(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 0.1}}
    task = client.request("POST", "/reports", body)
    stack.finished(client, task)
    accepted = []
    asking = threading.Thread(
        target=lambda: accepted.append(client.request("POST", "/reports", body))
    )

    with closing(sqlite3.connect(stack.folder / "school.sqlite3")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        asking.start()
        longest = slowest_for(3, client, ["/healthz", task["links"]["self"]])
        was_held_up = not accepted
        writer.rollback()
    asking.join()

    assert was_held_up
    assert longest < 1  # in C it was the three seconds
    assert stack.finished(client, accepted[0])["state"] == "succeeded"


def slowest_for(seconds, client, paths):
    """The longest that any of these took while that time passed."""
    longest = 0.0
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        for path in paths:
            began = time.monotonic()
            client.ask("GET", path)
            longest = max(longest, time.monotonic() - began)
        time.sleep(0.05)
    return longest
