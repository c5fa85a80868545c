"""A user who sends many requests at once, beside others."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from school.runtime.client import Client
from tests.support.stack import Stack

PARALLEL_SUBMITS = 40
SECONDS = 5


def submit(stack: Stack, token: str) -> tuple[str, str | None]:
    """Request a report with a new key; return the problem code and `Retry-After`."""
    request = urllib.request.Request(
        stack.base_url + "/reports",
        data=json.dumps({"report": "slow", "parameters": {"seconds": 0}}).encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            response.read()
            return "accepted", None
    except urllib.error.HTTPError as error:
        return json.load(error)["code"], error.headers["Retry-After"]


def use_service(client: Client, end: threading.Event) -> int:
    """Send the requests of a usual client until the end; return their number."""
    count = 0
    while not end.is_set():
        for method, path in [("GET", "/me"), ("GET", "/tasks"), ("POST", "/reports")]:
            body = (
                {"report": "slow", "parameters": {"seconds": 0}}
                if method == "POST"
                else None
            )
            client.request(method, path, body)  # raises an error for any other than 2xx
            count += 1
        time.sleep(0.05)
    return count


@pytest.mark.guarantee(
    "A user who submits many reports at once makes no request of others fail."
)
def test_parallel_submits_of_one_user_leave_others_undisturbed(stack: Stack):
    guardian = stack.as_user("guardian")
    others = [stack.as_user(name) for name in ("teacher", "secretary", "admin")]
    end = threading.Event()

    def submit_until_end(_number: int) -> Counter[tuple[str, str | None]]:
        results: Counter[tuple[str, str | None]] = Counter()
        while not end.is_set():
            results[submit(stack, guardian.token)] += 1
        return results

    with ThreadPoolExecutor(PARALLEL_SUBMITS + len(others)) as pool:
        submitting = [pool.submit(submit_until_end, n) for n in range(PARALLEL_SUBMITS)]
        using = [pool.submit(use_service, client, end) for client in others]
        time.sleep(SECONDS)
        end.set()
        request_counts = [future.result() for future in using]
        results = sum((future.result() for future in submitting), Counter())

    assert set(results) == {("accepted", None), ("too_many_submits", "1")}
    assert min(request_counts) > 0
