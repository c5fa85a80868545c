"""Requests while PostgreSQL refuses connections or is frozen."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from school.runtime.client import Client
from tests.support.environment import DATABASE
from tests.support.postgresql import PostgresqlServer
from tests.support.stack import Stack, create_database

pytestmark = pytest.mark.skipif(DATABASE != "postgresql", reason="SQLite has no server")
REPORT = {"report": "slow", "parameters": {"seconds": 0.1}}
CREDENTIALS = {"username": "teacher", "password": "demo"}


@dataclass(frozen=True)
class Deployment:
    """The service with its own PostgreSQL server."""

    service: Stack
    server: PostgresqlServer


@pytest.fixture(scope="module")
def deployment(tmp_path_factory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    with (
        closing(PostgresqlServer()) as server,
        Stack(folder, create_database(server.url)) as service,
    ):
        yield Deployment(service, server)


@dataclass(frozen=True)
class TimedResponse:
    status: int
    body: Any
    retry_after: str | None
    seconds: float


@pytest.fixture
def client(deployment: Deployment) -> Client:
    return deployment.service.as_user("teacher")


@pytest.fixture
def task_path(deployment: Deployment, client: Client) -> str:
    """Path of a succeeded task, cached in Redis."""
    task = deployment.service.wait_until_final(
        client, client.request("POST", "/reports", REPORT)
    )
    return task["links"]["self"]


@pytest.fixture(params=["refused", "frozen"])
def restore_database(
    deployment: Deployment,
    client: Client,
    task_path: str,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[], None]]:
    """Make the database unavailable; the yielded function or the teardown restores it."""
    # Open every connection of the pool first: twice as many requests as connections.
    send_concurrently(client, [("GET", "/tasks", None)] * 16)
    break_database, restore_database = {
        "refused": (deployment.server.stop, deployment.server.start),
        "frozen": (deployment.server.suspend, deployment.server.resume),
    }[request.param]
    break_database()
    # Drop the access versions, as after a minute, so that no poll relies on Redis alone.
    for key in deployment.service.redis.scan_iter("access-version:*"):
        deployment.service.redis.delete(key)
    yield restore_database
    restore_database()
    deployment.service.wait_until(
        lambda: send(client, "GET", "/tasks", None).status == 200
    )


@pytest.mark.guarantee("No request waits for a database that is away.")
def test_requests_without_database_get_503_at_once(client, task_path, restore_database):
    requests = [
        ("POST", "/reports", REPORT),
        ("POST", "/auth/token", CREDENTIALS),
        ("GET", "/tasks", None),
        ("GET", f"/tasks/{uuid.uuid4()}", None),
        ("POST", f"{task_path}/cancel", {}),
        ("GET", "/readyz", None),
    ]

    responses = send_concurrently(client, requests * 4)

    assert {response.status for response in responses} == {503}
    assert {response.retry_after for response in responses} == {"2"}
    codes = {response.body.get("code", "readyz") for response in responses}
    assert codes == {"unavailable", "readyz"}
    assert max(response.seconds for response in responses) < 2


@pytest.mark.guarantee("Known tasks are shown while the database is away.")
def test_poll_of_cached_task_without_database_succeeds(
    client, task_path, restore_database
):
    polls = send_concurrently(client, [("GET", task_path, None)] * 8)

    assert {(response.status, response.body["state"]) for response in polls} == {
        (200, "succeeded")
    }
    assert max(response.seconds for response in polls) < 2


def test_service_recovers_after_database_is_restored(
    deployment, client, restore_database
):
    submission = ("POST", "/reports", REPORT)
    assert send(client, *submission).status == 503

    restore_database()

    def submit():
        response = send(client, *submission)
        return response.status == 202 and response.body

    task = deployment.service.wait_until(submit)
    done = deployment.service.wait_until_final(client, task, seconds=60)
    assert done["state"] == "succeeded"


def send_concurrently(client, requests) -> list[TimedResponse]:
    responses: list[Any] = [None] * len(requests)

    def send_one(index: int) -> None:
        responses[index] = send(client, *requests[index])

    threads = [
        threading.Thread(target=send_one, args=(i,)) for i in range(len(requests))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return responses


def send(client, method: str, path: str, body: object) -> TimedResponse:
    """Send one request; return the response, of any status, and its duration."""
    request = urllib.request.Request(
        client.base_url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {client.token}",
        },
    )
    started_at = time.monotonic()
    try:
        response = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        body = json.load(response)
        seconds = time.monotonic() - started_at
        return TimedResponse(
            response.status, body, response.headers["Retry-After"], seconds
        )
