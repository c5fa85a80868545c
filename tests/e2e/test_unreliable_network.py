"""Clients behind a network that cuts, delays and repeats get what they asked for, once."""

import hashlib
import http.client
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.support.faulty_proxy import BadProxy
from tests.support.stack import Stack

CLIENTS = 6
ORDER = ["queued", "running", "succeeded"]


class Stubborn:
    """A client that sends each request again until it has the whole answer."""

    def __init__(self, base: str, token: str) -> None:
        self._netloc, self._token = urlsplit(base).netloc, token
        self.states: list[str] = []

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> bytes:
        sent = {"Authorization": f"Bearer {self._token}", **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        for _ in range(60):
            connection = http.client.HTTPConnection(self._netloc, timeout=40)
            try:
                connection.request(method, path, body and json.dumps(body), sent)
                answer = connection.getresponse()
                content = answer.read()
                assert answer.status < 500, content
                if len(content) == int(answer.headers.get("Content-Length") or -1):
                    return content
            except (OSError, http.client.HTTPException):
                pass  # once more
            finally:
                connection.close()
        raise AssertionError(f"{method} {path}: never answered")

    def report(self, kind: str) -> dict:
        """Ask for one report under a key, and follow it to its end."""
        key = str(uuid.uuid4())
        body = {"report": kind, "parameters": {"class_id": 1}, "format": "csv"}
        task = json.loads(
            self.ask("POST", "/reports", body, **{"Idempotency-Key": key})
        )
        while task["poll_after_ms"] is not None:
            self.states.append(task["state"])
            task = json.loads(self.ask("GET", task["links"]["self"], Prefer="wait=2"))
        self.states.append(task["state"])
        return task


@pytest.mark.parametrize("seed", [1, 2])
def test_report_is_made_once_and_arrives_whole(stack: Stack, seed):
    token = stack.as_user("teacher").token
    ((before,),) = stack.query("SELECT count(*) FROM tasks_task")

    def trip(number: int) -> tuple[Stubborn, dict, bytes]:
        client = Stubborn(proxy.base, token)
        task = client.report(["class_performance", "report_card"][number % 2])
        content = client.ask("GET", task["links"]["result"])
        return client, task, content

    with BadProxy(stack.base, seed) as proxy, ThreadPoolExecutor(CLIENTS) as pool:
        trips = list(pool.map(trip, range(CLIENTS)))

    ((after,),) = stack.query("SELECT count(*) FROM tasks_task")
    assert after - before == CLIENTS
    assert len(set(proxy.done)) >= 4
    for client, task, content in trips:
        assert task["state"] == "succeeded"
        assert hashlib.sha256(content).hexdigest() == task["result"]["sha256"]
        # Nobody is shown a state that was over already.
        assert client.states == sorted(client.states, key=ORDER.index)
