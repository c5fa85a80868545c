"""Concurrent equal requests."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPResponse

import pytest

from tests.support.stack import Stack

CONCURRENT_REQUESTS = 50
MAX_RETRIES = 10
RETRYABLE = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def open_when_available(request: urllib.request.Request) -> HTTPResponse:
    """Send the request; repeat it after `Retry-After` while the answer is 429 or 503.

    The service works on few requests of one user at once, and refuses those that wait longer
    than it allows.
    """
    for _ in range(MAX_RETRIES):
        try:
            return urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            if error.code not in RETRYABLE:
                raise
            time.sleep(int(error.headers["Retry-After"]))
    return urllib.request.urlopen(request)


@pytest.mark.guarantee("An idempotency key gives one task and accepts one request.")
@pytest.mark.parametrize("key", ["one-of-fifty", None], ids=["with key", "without key"])
def test_concurrent_equal_requests_create_one_task(stack: Stack, key):
    client = stack.as_user("teacher")
    blocking = [
        client.request_report({"report": "slow", "parameters": {"seconds": 300 + n}})
        for n in range(3)  # canceled at the end
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
        with open_when_available(request) as response:
            is_replayed = response.headers["Idempotency-Replayed"] == "true"
            return json.load(response)["task_id"], is_replayed

    try:
        with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
            responses = list(pool.map(submit, range(CONCURRENT_REQUESTS)))
    finally:
        for task in blocking:
            client.request("POST", task["links"]["cancel"])
            stack.wait_until_final(client, task)

    assert len({task_id for task_id, _ in responses}) == 1
    if key:
        replays = Counter(is_replayed for _, is_replayed in responses)
        assert replays == {True: 49, False: 1}
