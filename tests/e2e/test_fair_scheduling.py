"""Nobody waits for another's many, and who waits is told honestly for how long."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from itertools import combinations, pairwise

import pytest

from school.runtime.client import ServiceError
from tasks.scheduling.throughput import REFRESH_SECONDS
from tests.support.stack import Stack

pytestmark = pytest.mark.one_database(
    "tests/tasks/test_turns and test_dispatcher hold the order on both"
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


def test_one_s_two_hundred_do_not_keep_another_s_one_waiting(stack: Stack):
    many, other = stack.as_user("teacher"), stack.as_user("secretary")
    long = {"report": "slow", "parameters": {"seconds": 1}}
    short = {"report": "slow", "parameters": {"seconds": 0.1}}
    with ThreadPoolExecutor(4) as pool:
        asked = list(pool.map(lambda _: many.request_report(long), range(200)))

    done = stack.wait_until_final(other, other.request_report(short))

    assert done["state"] == "succeeded"
    left = stack.query(
        "SELECT count(*) FROM tasks_task WHERE state IN ('queued', 'running')"
    )[0][0]
    assert left > 50
    for task in asked:
        with suppress(ServiceError):  # it was made meanwhile
            many.request("POST", task["links"]["cancel"])


@pytest.mark.guarantee("The estimated wait is within a factor of two of the real one.")
@pytest.mark.deep("it waits for thirty reports of a second each")
def test_wait_told_is_the_wait_within_a_factor_of_two(stack: Stack):
    clients = [stack.as_user("teacher"), stack.as_user("secretary")]
    body = {"report": "slow"}  # of a second
    asked = [
        (client, client.request_report(body)["links"]["self"])
        for _ in range(16)
        for client in clients
    ]

    def made():
        looks = [client.request("GET", path)["state"] for client, path in asked[:4]]
        return looks.count("succeeded") >= 2

    stack.wait_until(made)  # the first, which is all there is to know
    time.sleep(REFRESH_SECONDS + 1)  # until that is known

    def look(one):
        client, path = one
        return time.time(), client.request("GET", path)["queue"]

    def told_at_once():
        """The places of all that wait; none if the line moved between two looks at it."""
        with ThreadPoolExecutor(8) as pool:
            looks = list(pool.map(look, asked))
        told = {
            path: (client, at, queue)
            for (client, path), (at, queue) in zip(asked, looks, strict=True)
            if queue
        }
        places = sorted(queue["position"] for _client, _at, queue in told.values())
        is_one_line = all(then == one + 1 for one, then in pairwise(places))
        return told if is_one_line else {}

    told = stack.wait_until(told_at_once, seconds=4)
    assert len(told) >= 10
    started = {
        path: started_at(stack.wait_until_final(client, client.request("GET", path)))
        for path, (client, _at, _queue) in told.items()
    }
    told_order = sorted(told, key=lambda path: told[path][2]["position"])
    for first, second in combinations(told_order, 2):
        # Two processes take tasks: who is behind may be first by less than a report's second.
        assert started[first] < started[second] + 1
    for path, (_client, at, queue) in told.items():
        real, wait = started[path] - at, queue["estimated_wait_seconds"]
        assert real / 2 - 1 <= wait <= real * 2 + 1, (real, queue)


def started_at(document) -> float:
    return datetime.fromisoformat(document["started_at"]).timestamp()
