"""Concurrent equal requests."""

import json
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.stack import Stack

CONCURRENT_REQUESTS = 50


@pytest.mark.guarantee("An idempotency key gives one task and accepts one request.")
@pytest.mark.parametrize("key", ["one-of-fifty", None], ids=["with key", "without key"])
def test_concurrent_equal_requests_create_one_task(stack: Stack, key):
    client = stack.as_user("teacher")
    blocking = [
        client.request_report({"report": "slow", "parameters": {"seconds": 60 + n}})
        for n in range(3)
    ]
    body = {"report": "slow", "parameters": {"seconds": 0.1}, "format": "csv"}
    headers = {
        "Authorization": f"Bearer {client.token}",
        "Content-Type": "application/json",
    }
    if key:
        headers["Idempotency-Key"] = key

    def submit(_number: int) -> tuple[str, bool]:
        request = urllib.request.Request(
            stack.base_url + "/reports", data=json.dumps(body).encode(), headers=headers
        )
        with urllib.request.urlopen(request) as response:
            is_replayed = response.headers["Idempotency-Replayed"] == "true"
            return json.load(response)["task_id"], is_replayed

    with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
        responses = list(pool.map(submit, range(CONCURRENT_REQUESTS)))

    assert len({task_id for task_id, _ in responses}) == 1
    if key:
        replays = Counter(is_replayed for _, is_replayed in responses)
        assert replays == {True: 49, False: 1}
    for task in blocking:
        client.request("POST", task["links"]["cancel"])
        stack.wait_until_final(client, task)
