"""Equal requests that come together."""

import json
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.stack import Stack

CONCURRENT_REQUESTS = 50


@pytest.mark.guarantee("An idempotency key gives one task and accepts one request.")
@pytest.mark.parametrize(
    "key", ["one-of-fifty", None], ids=["with a key", "without one"]
)
def test_fifty_equal_requests_are_one_task(stack: Stack, key):
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

    def ask(_number: int) -> tuple[str, bool]:
        request = urllib.request.Request(
            stack.base_url + "/reports", data=json.dumps(body).encode(), headers=headers
        )
        with urllib.request.urlopen(request) as answer:
            replayed = answer.headers["Idempotency-Replayed"] == "true"
            return json.load(answer)["task_id"], replayed

    with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
        answers = list(pool.map(ask, range(CONCURRENT_REQUESTS)))

    assert len({task_id for task_id, _ in answers}) == 1
    if key:
        assert Counter(replayed for _, replayed in answers) == {True: 49, False: 1}
    for task in blocking:
        client.request("POST", task["links"]["cancel"])
        stack.wait_until_final(client, task)
