"""Progress of a running report, seen over real HTTP by a client that waits with it."""

import time

import pytest

from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("progress is published in Redis")


@pytest.mark.guarantee(
    "Whoever waits with the progress sees it move every two seconds."
)
def test_wait_with_progress_returns_it_at_least_every_two_seconds(stack: Stack):
    client = stack.as_user("teacher")
    task = client.request_report({"report": "slow", "parameters": {"seconds": 8}})
    path = task["links"]["self"]
    seen_at: list[float] = []
    done, requests = -1, 0

    while task["poll_after_ms"] is not None:
        task = client.request("GET", f"{path}?wait=25&progress=true")
        requests += 1
        if task["state"] == "running" and task["progress"]["done"] > done:
            done = task["progress"]["done"]
            seen_at.append(time.monotonic())

    gaps = [
        later - earlier for earlier, later in zip(seen_at, seen_at[1:], strict=False)
    ]
    assert task["state"] == "succeeded"
    assert len(gaps) >= 3
    assert max(gaps) < 3
    # One request for each two seconds, and one each for the claim and the end.
    assert requests <= 8
