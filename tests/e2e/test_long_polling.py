"""Long polling over real HTTP and real processes."""

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

pytestmark = pytest.mark.one_database("waiters are woken by Redis")
SLOW_REQUEST = {"report": "slow", "parameters": {"seconds": 4}}


@pytest.fixture
def web_process(stack: Stack) -> psutil.Process:
    """The process that serves requests, once it has closed earlier connections."""
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


def test_long_poll_returns_within_100_ms_of_the_end(stack: Stack):
    client = stack.as_user("teacher")
    delays = []
    for _ in range(5):
        path = start_report(
            stack, client, {"report": "slow", "parameters": {"seconds": 1}}
        )
        task = client.request("GET", f"{path}?wait=20")
        answered_at = time.time()
        assert task["state"] == "succeeded"
        finished_at = datetime.fromisoformat(task["finished_at"]).timestamp()
        delays.append(answered_at - finished_at)

    assert statistics.median(delays) < 0.1


def test_submit_with_wait_returns_finished_report(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "class_performance", "parameters": {"class_id": 1}}

    task = client.request("POST", "/reports?wait=20", body)

    assert task["state"] == "succeeded"
    assert len(task["result"]["data"]) == 40


def test_cancel_wakes_long_poll(stack: Stack):
    client = stack.as_user("teacher")
    path = start_report(
        stack, client, {"report": "slow", "parameters": {"seconds": 60}}
    )
    canceled_at = []

    def cancel():
        client.request("POST", f"{path}/cancel")
        canceled_at.append(time.monotonic())

    canceler = threading.Timer(0.5, cancel)
    canceler.start()

    task = client.request("GET", f"{path}?wait=20")
    answered_at = time.monotonic()

    canceler.join()
    assert task["cancel_requested_at"]
    assert answered_at - canceled_at[0] < 0.3
    assert client.request("GET", f"{path}?wait=20")["state"] == "canceled"


@pytest.mark.guarantee("A waiting client holds no connection.")
def test_long_polls_share_one_redis_subscriber(stack: Stack, web_process):
    clients = [stack.as_user(username) for username in ("teacher", "secretary")]
    paths = [start_report(stack, client) for client in clients]
    connection_count = len(stack.redis.client_list())
    descriptor_count = web_process.num_fds()

    waiting = [
        open_waiting_socket(stack, client.token, path)
        for client, path in zip(clients, paths, strict=True)
        for _ in range(100)  # as many waits as one user may have
    ]
    stack.wait_until(lambda: web_process.num_fds() >= descriptor_count + 150)
    time.sleep(1)

    # At most 32 concurrent readers and one subscriber, not one connection per waiter.
    assert len(stack.redis.client_list()) <= connection_count + 33
    assert web_process.num_fds() < descriptor_count + 200 + 60
    responses = [connection.recv(65536) for connection in waiting]
    for connection in waiting:
        connection.close()
    assert {response[:12] for response in responses} == {b"HTTP/1.1 200"}


@pytest.mark.guarantee("A waiting client holds no connection.")
@pytest.mark.each_database
def test_submit_with_wait_holds_no_database_connection(stack: Stack):
    client = stack.as_user("teacher")
    with ExitStack() as exit_stack:
        for number in range(12):  # the pool has 8 connections
            body = {"report": "slow", "parameters": {"seconds": 1 + number / 100}}
            exit_stack.enter_context(open_posting_socket(stack, client.token, body))
        stack.wait_until(lambda: len(client.request("GET", "/tasks")["results"]) >= 12)
        time.sleep(0.5)

        assert client.request("GET", "/me")["username"] == "teacher"


@pytest.mark.guarantee("A client that hangs up frees all that it held.")
def test_disconnected_long_polls_free_their_sockets(stack: Stack, web_process):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 60}}
    path = start_report(stack, client, body)
    before = web_process.num_fds()

    waiting = [open_waiting_socket(stack, client.token, path) for _ in range(100)]
    # Connections of earlier tests may close meanwhile.
    stack.wait_until(lambda: web_process.num_fds() >= before + 80)
    time.sleep(1)
    for connection in waiting:
        connection.close()

    # They are freed at once, not after 25 seconds. Idle connections to Redis remain.
    stack.wait_until(lambda: web_process.num_fds() < before + 60, seconds=3)
    client.request("POST", f"{path}/cancel")


def test_killed_subscriber_delays_long_poll_by_a_second(stack: Stack):
    client = stack.as_user("teacher")
    path = start_report(stack, client)
    stop_event = threading.Event()

    def kill_connections():
        while not stop_event.wait(0.3):
            stack.redis.client_kill_filter(_type="normal", skipme=True)

    killer = threading.Thread(target=kill_connections)
    killer.start()
    try:
        task = client.request("GET", f"{path}?wait=20")
        while task["state"] != "succeeded":  # a kill may also hit the final transition
            task = client.request("GET", f"{path}?wait=20")
        answered_at = time.time()
    finally:
        stop_event.set()
        killer.join()

    assert answered_at - datetime.fromisoformat(task["finished_at"]).timestamp() < 2.5


@pytest.mark.guarantee("A deploy does not wait for waiting clients.")
def test_web_shutdown_ends_long_polls_at_once(stack: Stack):
    client = stack.as_user("teacher")
    path = start_report(
        stack, client, {"report": "slow", "parameters": {"seconds": 60}}
    )
    waiting = open_waiting_socket(stack, client.token, path)
    time.sleep(0.5)

    started_at = time.monotonic()
    stack.supervisor.processes["web"].terminate()
    response = waiting.recv(65536)
    stack.supervisor.processes["web"].wait()

    seconds = time.monotonic() - started_at
    waiting.close()
    stack.start("web")
    stack.wait_until(lambda: Client(stack.base_url).is_ready())
    client.request("POST", f"{path}/cancel")
    assert response.startswith(b"HTTP/1.1 200")
    assert seconds < 5


@pytest.fixture
def short_lived_web(stack: Stack) -> Iterator[None]:
    """A web process that replaces its worker after sixty requests."""
    with stack.web_with("--max-requests", "60", "--max-requests-jitter", "0"):
        yield


@pytest.mark.guarantee("A web worker that is replaced delays no request.")
def test_web_worker_replacement_delays_no_request(stack: Stack, short_lived_web: None):
    log = stack.supervisor.log_path("web")
    before = log.stat().st_size
    client = stack.as_user("teacher")
    path = start_report(
        stack, client, {"report": "slow", "parameters": {"seconds": 60}}
    )

    with open_waiting_socket(stack, client.token, path):
        for _ in range(80):
            started_at = time.monotonic()
            client.request("GET", "/healthz")
            assert time.monotonic() - started_at < 6
            time.sleep(0.03)

    client.request("POST", f"{path}/cancel")
    assert b"Autorestarting" in log.read_bytes()[before:]
