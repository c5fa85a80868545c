"""Many wrong log-ins at once at a real web process, and a right one among them."""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from school.hash_slots import WAIT_SECONDS
from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("hashing does not depend on the database")


def log_in(stack: Stack, username: str, password: str) -> tuple[int, float, str]:
    """Return the status of a log-in, its duration, and its `Retry-After`."""
    body = json.dumps({"username": username, "password": password}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{stack.base_url}/auth/token", body, headers, method="POST"
    )
    started_at = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, retry_after = answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            status, retry_after = error.code, error.headers.get("Retry-After", "")
    return status, time.monotonic() - started_at, retry_after


@pytest.mark.guarantee("A flood of wrong log-ins does not make a right one wait.")
def test_right_login_beside_a_hundred_wrong_ones_is_answered_soon(stack: Stack):
    _status, seconds_alone, _retry_after = log_in(stack, "teacher", "demo")
    with ThreadPoolExecutor(101) as pool:
        wrong = [pool.submit(log_in, stack, f"u{n}", "wrong") for n in range(100)]
        time.sleep(0.3)
        right = pool.submit(log_in, stack, "teacher", "demo").result()
        others = [done.result() for done in wrong]
    status, seconds, retry_after = right

    assert (status, retry_after) in {(200, ""), (503, "2")}
    assert seconds < WAIT_SECONDS + 4 * seconds_alone + 2
    assert {s for s, *_ in others} == {401, 503}
    assert all(header == "2" for s, _, header in others if s == 503)
    assert stack.wait_until(lambda: log_in(stack, "teacher", "demo")[0] == 200)
