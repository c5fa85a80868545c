"""Waiting for reports over real HTTP, in real processes."""

import json
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import psutil
import pytest

from school.runtime.client import Client
from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("Redis wakes those who wait")
SLOW_REQUEST = {"report": "slow", "parameters": {"seconds": 4}}


@pytest.fixture
def web_process(stack: Stack) -> psutil.Process:
    """The process that serves the requests, once those of before have left it."""
    parent = psutil.Process(stack.supervisor.processes["web"].pid)
    process = max(parent.children(), key=psutil.Process.create_time)
    stack.wait_until(lambda: process.num_fds() < 100)
    return process


def start_report(stack: Stack, client, body=SLOW_REQUEST):
    task = client.request_report(body)
    stack.wait_until(
        lambda: client.request("GET", task["links"]["self"])["state"] == "running"
    )
    return task["links"]["self"]


def open_waiting_socket(stack: Stack, token: str, path: str) -> socket.socket:
    host, _, port = stack.base_url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
    connection.sendall(f"{head}Prefer: wait=25\r\n\r\n".encode())
    return connection


def open_posting_socket(stack: Stack, token: str, body: object) -> socket.socket:
    host, _, port = stack.base_url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    content = json.dumps(body)
    head = (
        f"POST /reports HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    )
    connection.sendall(f"{head}Prefer: wait=25\r\n\r\n{content}".encode())
    return connection


def test_waiting_client_knows_within_a_tenth_of_a_second(stack: Stack):
    client = stack.as_user("teacher")
    late = []
    for _ in range(5):
        path = start_report(
            stack, client, {"report": "slow", "parameters": {"seconds": 1}}
        )
        task = client.request("GET", f"{path}?wait=20")
        known = time.time()
        assert task["state"] == "succeeded"
        late.append(known - datetime.fromisoformat(task["finished_at"]).timestamp())

    assert statistics.median(late) < 0.1


def test_submit_that_waits_gets_the_report_itself(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "class_performance", "parameters": {"class_id": 1}}

    task = client.request("POST", "/reports?wait=20", body)

    assert task["state"] == "succeeded"
    assert len(task["result"]["data"]) == 40


def test_cancel_ends_a_wait(stack: Stack):
    client = stack.as_user("teacher")
    path = start_report(
        stack, client, {"report": "slow", "parameters": {"seconds": 60}}
    )
    answered = []

    def cancel():
        client.request("POST", f"{path}/cancel")
        answered.append(time.monotonic())

    canceler = threading.Timer(0.5, cancel)
    canceler.start()

    task = client.request("GET", f"{path}?wait=20")
    known = time.monotonic()

    canceler.join()
    assert task["cancel_requested_at"]
    assert known - answered[0] < 0.3
    assert client.request("GET", f"{path}?wait=20")["state"] == "canceled"


@pytest.mark.guarantee("A waiting client holds no connection.")
def test_many_wait_on_one_subscriber_and_hold_no_connection(stack: Stack, web_process):
    client = stack.as_user("teacher")
    path = start_report(stack, client)
    connections = len(stack.redis.client_list())
    descriptors = web_process.num_fds()

    waiting = [open_waiting_socket(stack, client.token, path) for _ in range(300)]
    stack.wait_until(lambda: web_process.num_fds() >= descriptors + 200)
    time.sleep(1)

    # As many as may be reading at once, and the subscriber; not one for each.
    assert len(stack.redis.client_list()) <= connections + 33
    assert web_process.num_fds() < descriptors + 300 + 60
    answers = [connection.recv(65536) for connection in waiting]
    for connection in waiting:
        connection.close()
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 200"}


@pytest.mark.guarantee("A waiting client holds no connection.")
@pytest.mark.each_database
def test_who_waits_for_what_it_asked_for_holds_no_connection(stack: Stack):
    client = stack.as_user("teacher")
    with ExitStack() as undo:
        for number in range(12):  # there are 8 connections
            body = {"report": "slow", "parameters": {"seconds": 1 + number / 100}}
            undo.enter_context(open_posting_socket(stack, client.token, body))
        stack.wait_until(lambda: len(client.request("GET", "/tasks")["results"]) >= 12)
        time.sleep(0.5)

        assert client.request("GET", "/me")["username"] == "teacher"


@pytest.mark.guarantee("A client that hangs up frees all that it held.")
def test_clients_that_go_away_free_everything(stack: Stack, web_process):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 60}}
    path = start_report(stack, client, body)
    before = web_process.num_fds()

    waiting = [open_waiting_socket(stack, client.token, path) for _ in range(200)]
    # Others' connections of before may end meanwhile.
    stack.wait_until(lambda: web_process.num_fds() >= before + 100)
    time.sleep(1)
    for connection in waiting:
        connection.close()

    # Not at the end of their 25 seconds: at once. What is left are idle ones to Redis.
    stack.wait_until(lambda: web_process.num_fds() < before + 60, seconds=3)
    client.request("POST", f"{path}/cancel")


def test_subscriber_that_is_cut_off_costs_at_most_a_second(stack: Stack):
    client = stack.as_user("teacher")
    path = start_report(stack, client)
    stopping = threading.Event()

    def cut():
        while not stopping.wait(0.3):
            stack.redis.client_kill_filter(_type="normal", skipme=True)

    cutting = threading.Thread(target=cut)
    cutting.start()
    try:
        task = client.request("GET", f"{path}?wait=20")
        while task["state"] != "succeeded":  # a cut may also fall into the settling
            task = client.request("GET", f"{path}?wait=20")
        known = time.time()
    finally:
        stopping.set()
        cutting.join()

    assert known - datetime.fromisoformat(task["finished_at"]).timestamp() < 2.5


@pytest.mark.guarantee("A deploy does not wait for waiting clients.")
def test_deploy_does_not_wait_for_those_who_wait(stack: Stack):
    client = stack.as_user("teacher")
    path = start_report(
        stack, client, {"report": "slow", "parameters": {"seconds": 60}}
    )
    waiting = open_waiting_socket(stack, client.token, path)
    time.sleep(0.5)

    began = time.monotonic()
    stack.supervisor.processes["web"].terminate()
    answer = waiting.recv(65536)
    stack.supervisor.processes["web"].wait()

    took = time.monotonic() - began
    waiting.close()
    stack.start("web")
    stack.wait_until(lambda: Client(stack.base_url).is_ready())
    client.request("POST", f"{path}/cancel")
    assert answer.startswith(b"HTTP/1.1 200")
    assert took < 5


@pytest.fixture
def short_lived_web(stack: Stack) -> Iterator[None]:
    """The web process replaces its worker after sixty requests."""
    with stack.web_with("--max-requests", "60", "--max-requests-jitter", "0"):
        yield


@pytest.mark.guarantee("A web worker that is replaced delays no request.")
def test_worker_that_makes_room_for_another_keeps_nobody_waiting(
    stack: Stack, short_lived_web: None
):
    log = stack.supervisor.log_path("web")
    before = log.stat().st_size
    client = stack.as_user("teacher")
    path = start_report(
        stack, client, {"report": "slow", "parameters": {"seconds": 60}}
    )

    with open_waiting_socket(stack, client.token, path):
        for _ in range(80):
            began = time.monotonic()
            client.request("GET", "/healthz")
            assert time.monotonic() - began < 6
            time.sleep(0.03)

    client.request("POST", f"{path}/cancel")
    assert b"Autorestarting" in log.read_bytes()[before:]
