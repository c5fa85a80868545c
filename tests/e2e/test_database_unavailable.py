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
from tests.support.postgresql import Postgresql
from tests.support.stack import Stack, new_database

pytestmark = pytest.mark.skipif(
    DATABASE != "postgresql", reason="a file does not go away"
)
REPORT = {"report": "slow", "parameters": {"seconds": 0.1}}
LOG_IN = {"username": "teacher", "password": "demo"}


@dataclass(frozen=True)
class House:
    """The service, and a PostgreSQL server that it has for itself."""

    service: Stack
    server: Postgresql


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with (
        closing(Postgresql()) as server,
        Stack(folder, new_database(server.url)) as service,
    ):
        yield House(service, server)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    wait: str | None
    seconds: float


@pytest.fixture
def client(house: House) -> Client:
    return house.service.as_user("teacher")


@pytest.fixture
def known(house: House, client: Client) -> str:
    """The address of a task that has been asked for before."""
    task = house.service.finished(client, client.request("POST", "/reports", REPORT))
    return task["links"]["self"]


@pytest.fixture(params=["refused", "frozen"])
def come_back(
    house: House, client: Client, known: str, request: pytest.FixtureRequest
) -> Iterator[Callable[[], None]]:
    """The database goes away, and comes back by this or at the end."""
    # As many at once as take every connection of the pool, twice.
    at_once(client, [("GET", "/tasks", None)] * 16)
    leave, come_back = {
        "refused": (house.server.stop, house.server.start),
        "frozen": (house.server.freeze, house.server.thaw),
    }[request.param]
    leave()
    # As if a minute had passed, so that no poll trusts Redis alone.
    for key in house.service.redis.scan_iter("stamp:*"):
        house.service.redis.delete(key)
    yield come_back
    come_back()
    house.service.wait(lambda: answered(client, "GET", "/tasks", None).status == 200)


@pytest.mark.guarantee("No request waits for a database that is away.")
def test_with_the_database_away_nobody_waits(client, known, come_back):
    asked = [
        ("POST", "/reports", REPORT),
        ("POST", "/auth/token", LOG_IN),
        ("GET", "/tasks", None),
        ("GET", f"/tasks/{uuid.uuid4()}", None),
        ("POST", f"{known}/cancel", {}),
        ("GET", "/readyz", None),
    ]

    answers = at_once(client, asked * 4)

    assert {answer.status for answer in answers} == {503}
    assert {answer.wait for answer in answers} == {"2"}
    codes = {answer.body.get("code", "readyz") for answer in answers}
    assert codes == {"unavailable", "readyz"}
    assert max(answer.seconds for answer in answers) < 2


@pytest.mark.guarantee("Known tasks are shown while the database is away.")
def test_known_tasks_are_answered_while_the_database_is_away(client, known, come_back):
    polls = at_once(client, [("GET", known, None)] * 8)

    assert {(answer.status, answer.body["state"]) for answer in polls} == {
        (200, "succeeded")
    }
    assert max(answer.seconds for answer in polls) < 2


def test_all_is_well_once_the_database_is_back(house, client, come_back):
    asked = ("POST", "/reports", REPORT)
    assert answered(client, *asked).status == 503

    come_back()

    def accepted():
        answer = answered(client, *asked)
        return answer.status == 202 and answer.body

    task = house.service.wait(accepted)
    done = house.service.finished(client, task, seconds=60)
    assert done["state"] == "succeeded"


def at_once(client, asked) -> list[Answer]:
    answers: list[Any] = [None] * len(asked)

    def ask(index: int) -> None:
        answers[index] = answered(client, *asked[index])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def answered(client, method: str, path: str, body: object) -> Answer:
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
    began = time.monotonic()
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        body = json.load(answer)
        seconds = time.monotonic() - began
        return Answer(answer.status, body, answer.headers["Retry-After"], seconds)
