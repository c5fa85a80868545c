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

pytestmark = pytest.mark.skipif(
    DATABASE != "postgresql", reason="a file does not go away"
)
REPORT = {"report": "slow", "parameters": {"seconds": 0.1}}
CREDENTIALS = {"username": "teacher", "password": "demo"}


@dataclass(frozen=True)
class Deployment:
    """The service, and a PostgreSQL server that it has for itself."""

    service: Stack
    server: PostgresqlServer


@pytest.fixture(scope="module")
def deployment(tmp_path_factory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("house")
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
    """The address of a task that has been asked for before."""
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
    """The database goes away, and comes back by this or at the end."""
    # As many at once as take every connection of the pool, twice.
    send_concurrently(client, [("GET", "/tasks", None)] * 16)
    break_database, restore_database = {
        "refused": (deployment.server.stop, deployment.server.start),
        "frozen": (deployment.server.suspend, deployment.server.resume),
    }[request.param]
    break_database()
    # As if a minute had passed, so that no poll trusts Redis alone.
    for key in deployment.service.redis.scan_iter("access-version:*"):
        deployment.service.redis.delete(key)
    yield restore_database
    restore_database()
    deployment.service.wait_until(
        lambda: send(client, "GET", "/tasks", None).status == 200
    )


@pytest.mark.guarantee("No request waits for a database that is away.")
def test_with_the_database_away_nobody_waits(client, task_path, restore_database):
    asked = [
        ("POST", "/reports", REPORT),
        ("POST", "/auth/token", CREDENTIALS),
        ("GET", "/tasks", None),
        ("GET", f"/tasks/{uuid.uuid4()}", None),
        ("POST", f"{task_path}/cancel", {}),
        ("GET", "/readyz", None),
    ]

    answers = send_concurrently(client, asked * 4)

    assert {answer.status for answer in answers} == {503}
    assert {answer.retry_after for answer in answers} == {"2"}
    codes = {answer.body.get("code", "readyz") for answer in answers}
    assert codes == {"unavailable", "readyz"}
    assert max(answer.seconds for answer in answers) < 2


@pytest.mark.guarantee("Known tasks are shown while the database is away.")
def test_known_tasks_are_answered_while_the_database_is_away(
    client, task_path, restore_database
):
    polls = send_concurrently(client, [("GET", task_path, None)] * 8)

    assert {(answer.status, answer.body["state"]) for answer in polls} == {
        (200, "succeeded")
    }
    assert max(answer.seconds for answer in polls) < 2


def test_all_is_well_once_the_database_is_back(deployment, client, restore_database):
    asked = ("POST", "/reports", REPORT)
    assert send(client, *asked).status == 503

    restore_database()

    def accepted():
        answer = send(client, *asked)
        return answer.status == 202 and answer.body

    task = deployment.service.wait_until(accepted)
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
    """Whatever the service says to it, and how long that took."""
    request = urllib.request.Request(
        client.base + path,
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
