"""Long polling of the task list over real HTTP, with real workers and Redis."""

import http.client
import json
import random
import threading
import time
import uuid
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from tests.support.stack import Stack

FINAL = {"succeeded", "failed", "canceled", "expired"}


class ListFollower:
    """Client that knows a task list by one long poll after the other."""

    def __init__(self, stack: Stack, token: str, query: str) -> None:
        address = stack.base_url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(address, timeout=60)
        self._token, self._query = token, query
        self._etag = ""
        self.requests = 0
        self.updated_at = 0.0
        self.tasks: dict[str, dict[str, Any]] = {}

    def close(self) -> None:
        self._connection.close()

    def states(self) -> dict[str, str]:
        return {id: task["state"] for id, task in self.tasks.items()}

    def follow(self, seconds: int) -> int:
        """Send one request; return its status."""
        headers = {"Authorization": f"Bearer {self._token}"}
        if self._etag:
            headers |= {"If-None-Match": self._etag, "Prefer": f"wait={seconds}"}
        self._connection.request("GET", f"/tasks?{self._query}", headers=headers)
        response = self._connection.getresponse()
        content = response.read()
        self.requests += 1
        self._etag = response.headers.get("ETag", "")
        if response.status == 200:
            results = json.loads(content)["results"]
            self.tasks = {task["task_id"]: task for task in results}
            self.updated_at = time.time()
        return response.status


@pytest.fixture
def new_follower(stack: Stack):
    """Function that makes a follower of a user's list, which it has read once."""
    with ExitStack() as exit_stack:

        def create(token: str, query: str = "") -> ListFollower:
            follower = ListFollower(stack, token, query)
            exit_stack.callback(follower.close)
            follower.follow(0)
            return follower

        yield create


def request_slow_report(client, seconds: float) -> dict[str, Any]:
    body = {"report": "slow", "parameters": {"seconds": seconds}}
    return client.request("POST", "/reports", body, str(uuid.uuid4()))


def request_cancel_and_delete(stack: Stack, client, seed: int) -> set[str]:
    """Request reports, and cancel and delete some of them; return the ids of the deleted."""
    chance, tasks, deleted_ids = random.Random(seed), [], set()
    for number in range(12):
        tasks.append(request_slow_report(client, 0.2 + number / 50))
        if chance.random() < 0.3:
            client.request("POST", f"{tasks[-1]['links']['self']}/cancel")
    for task in tasks:
        stack.wait_until_final(client, task, seconds=60)
        if chance.random() < 0.3:
            client.request("DELETE", task["links"]["self"])
            deleted_ids.add(task["task_id"])
    return deleted_ids


def run_in_threads(functions) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.guarantee("Whoever follows a list by long polls misses no change.")
def test_list_followers_miss_no_change_of_concurrent_tasks(stack: Stack, new_follower):
    client = stack.as_user("secretary")
    followers = [new_follower(client.token, "page_size=100") for _ in range(3)]
    requests_before = 1
    deleted_ids: set[str] = set()
    has_ended = threading.Event()

    def act() -> None:
        deleted_ids.update(request_cancel_and_delete(stack, client, seed=21))
        has_ended.set()

    def follow_to_the_end(follower: ListFollower) -> None:
        while not has_ended.is_set():
            follower.follow(3)
        follower.follow(3)  # the last change, which the request before may have missed

    run_in_threads([act, *(partial(follow_to_the_end, f) for f in followers)])

    listed = client.request("GET", "/tasks?page_size=100")["results"]
    expected = {task["task_id"]: task["state"] for task in listed}
    assert set(expected.values()) >= {"succeeded", "canceled"}
    assert deleted_ids
    assert deleted_ids.isdisjoint(expected)
    for follower in followers:
        assert follower.states() == expected
        # Three transitions of each task and its deletion, and waits that ran out.
        assert follower.requests - requests_before <= 12 * 4 + 30


def test_list_follower_learns_of_the_end_within_half_a_second(
    stack: Stack, new_follower
):
    client = stack.as_user("teacher")
    follower = new_follower(client.token, "state=queued,running,succeeded")
    id = request_slow_report(client, 1.5)["task_id"]

    deadline = time.monotonic() + 30
    while follower.tasks.get(id, {}).get("state") not in FINAL:
        assert time.monotonic() < deadline
        follower.follow(20)

    finished_at = datetime.fromisoformat(follower.tasks[id]["finished_at"])
    assert follower.updated_at - finished_at.timestamp() < 0.5


def test_list_follower_notices_a_log_out_at_once(stack: Stack, new_follower):
    client = stack.as_user("teacher")
    follower = new_follower(client.token)
    timer = threading.Timer(1.0, lambda: client.request("POST", "/auth/logout-all"))
    timer.start()

    started_at = time.monotonic()
    status = follower.follow(20)
    timer.join()

    assert status == 401
    assert time.monotonic() - started_at < 5
