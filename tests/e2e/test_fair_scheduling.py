"""Fair order between users, and the accuracy of the estimated wait."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from itertools import combinations, pairwise

import pytest

from school.runtime.client import ServiceError
from tasks.scheduling.throughput import REFRESH_SECONDS
from tests.support.stack import Stack

IMPRECISION = 2.5
"""Seconds: estimates are published once a second, rounded to whole seconds, and neighbors may
swap within a report's second."""
pytestmark = pytest.mark.one_database(
    "tests/tasks/scheduling/test_fair_order and test_dispatcher check the order on both"
)


def test_report_cards_do_not_wait_for_an_export(stack: Stack):
    admin, secretary = stack.as_user("admin"), stack.as_user("secretary")
    export = {"report": "bulk_slow", "parameters": {"seconds": 600}}
    running = admin.request_report(export)
    stack.wait_until(
        lambda: admin.request("GET", running["links"]["self"])["state"] == "running"
    )

    card = {"report": "report_card", "parameters": {"student_id": 1, "year": 2026}}
    cards = [secretary.request_report(card) for _ in range(100)]
    with ThreadPoolExecutor(10) as pool:
        done = list(
            pool.map(lambda task: stack.wait_until_final(secretary, task, 60), cards)
        )

    assert {task["state"] for task in done} == {"succeeded"}
    assert admin.request("GET", running["links"]["self"])["state"] == "running"
    admin.request("POST", running["links"]["cancel"])
    assert stack.wait_until_final(admin, running)["state"] == "canceled"


def test_report_does_not_wait_for_another_user_s_backlog(stack: Stack):
    busy, other = stack.as_user("teacher"), stack.as_user("secretary")
    long = {"report": "slow", "parameters": {"seconds": 1}}
    short = {"report": "slow", "parameters": {"seconds": 0.1}}
    with ThreadPoolExecutor(4) as pool:
        tasks = list(pool.map(lambda _: busy.request_report(long), range(200)))

    done = stack.wait_until_final(other, other.request_report(short))

    assert done["state"] == "succeeded"
    open_count = stack.query(
        "SELECT count(*) FROM tasks_task WHERE state IN ('queued', 'running')"
    )[0][0]
    assert open_count > 50
    for task in tasks:
        with suppress(ServiceError):  # it has finished meanwhile
            busy.request("POST", task["links"]["cancel"])


@pytest.mark.guarantee("The estimated wait is within a factor of two of the real one.")
@pytest.mark.deep("it waits for thirty reports of a second each")
def test_estimated_wait_is_within_a_factor_of_two(stack: Stack):
    clients = [stack.as_user("teacher"), stack.as_user("secretary")]
    body = {"report": "slow"}  # takes one second
    submitted = [
        (client, client.request_report(body)["links"]["self"])
        for _ in range(16)
        for client in clients
    ]

    def has_first_durations():
        states = [
            client.request("GET", path)["state"] for client, path in submitted[:4]
        ]
        return states.count("succeeded") >= 2

    stack.wait_until(has_first_durations)  # the estimate has no other data
    time.sleep(REFRESH_SECONDS + 1)  # until the estimate uses them

    def poll(submission):
        client, path = submission
        return time.time(), client.request("GET", path)["queue"]

    def consistent_estimates():
        """Return the estimates of all queued tasks; none if the queue moved meanwhile."""
        with ThreadPoolExecutor(8) as pool:
            polls = list(pool.map(poll, submitted))
        estimates = {
            path: (client, at, queue)
            for (client, path), (at, queue) in zip(submitted, polls, strict=True)
            if queue
        }
        positions = sorted(queue["position"] for _, _, queue in estimates.values())
        is_contiguous = all(
            after == before + 1 for before, after in pairwise(positions)
        )
        return estimates if is_contiguous else {}

    estimates = stack.wait_until(consistent_estimates, seconds=4)
    assert len(estimates) >= 10
    start_times = {
        path: started_at(stack.wait_until_final(client, client.request("GET", path)))
        for path, (client, _at, _queue) in estimates.items()
    }
    by_position = sorted(estimates, key=lambda path: estimates[path][2]["position"])
    for first, second in combinations(by_position, 2):
        # Two processes claim tasks, so neighbors may swap within a report's second.
        assert start_times[first] < start_times[second] + 1
    for path, (_client, at, queue) in estimates.items():
        # The task may have started since the estimate was published.
        actual = max(0.0, start_times[path] - at)
        estimate = queue["estimated_wait_seconds"]
        lowest, highest = actual / 2 - IMPRECISION, actual * 2 + IMPRECISION
        assert lowest <= estimate <= highest, (actual, queue)


def started_at(document) -> float:
    return datetime.fromisoformat(document["started_at"]).timestamp()
