"""Clients behind a network that cuts, delays and repeats requests."""

import hashlib
import http.client
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.support.faulty_proxy import FaultyProxy
from tests.support.stack import Stack

CLIENT_COUNT = 6
STATE_ORDER = ["queued", "running", "succeeded"]


class RetryingClient:
    """A client that sends each request again until it has the whole answer."""

    def __init__(self, base: str, token: str) -> None:
        self._netloc, self._token = urlsplit(base).netloc, token
        self.states: list[str] = []

    def request(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> bytes:
        request_headers = {"Authorization": f"Bearer {self._token}", **headers}
        if body is not None:
            request_headers["Content-Type"] = "application/json"
        for _ in range(60):
            connection = http.client.HTTPConnection(self._netloc, timeout=40)
            try:
                connection.request(
                    method, path, body and json.dumps(body), request_headers
                )
                response = connection.getresponse()
                content = response.read()
                assert response.status < 500, content
                if response.status == 429:  # too many of the user's requests at once
                    time.sleep(int(response.headers["Retry-After"]))
                    continue
                if len(content) == int(response.headers.get("Content-Length") or -1):
                    return content
            except (OSError, http.client.HTTPException):
                pass  # retry
            finally:
                connection.close()
        raise AssertionError(f"{method} {path}: no complete response")

    def request_report(self, kind: str) -> dict:
        """Submit a report with an idempotency key and poll until it is final."""
        idempotency_key = str(uuid.uuid4())
        body = {"report": kind, "parameters": {"class_id": 1}, "format": "csv"}
        task = json.loads(
            self.request(
                "POST", "/reports", body, **{"Idempotency-Key": idempotency_key}
            )
        )
        while task["poll_after_ms"] is not None:
            self.states.append(task["state"])
            task = json.loads(
                self.request("GET", task["links"]["self"], Prefer="wait=2")
            )
        self.states.append(task["state"])
        return task


@pytest.mark.parametrize("seed", [1, 2])
def test_report_over_bad_network_is_made_once_and_complete(stack: Stack, seed):
    token = stack.as_user("teacher").token
    ((before,),) = stack.query("SELECT count(*) FROM tasks_task")

    def trip(number: int) -> tuple[RetryingClient, dict, bytes]:
        client = RetryingClient(proxy.base_url, token)
        task = client.request_report(["class_performance", "report_card"][number % 2])
        content = client.request("GET", task["links"]["result"])
        return client, task, content

    with (
        FaultyProxy(stack.base_url, seed) as proxy,
        ThreadPoolExecutor(CLIENT_COUNT) as pool,
    ):
        trips = list(pool.map(trip, range(CLIENT_COUNT)))

    ((after,),) = stack.query("SELECT count(*) FROM tasks_task")
    assert after - before == CLIENT_COUNT
    assert len(set(proxy.faults)) >= 4
    for client, task, content in trips:
        assert task["state"] == "succeeded"
        assert hashlib.sha256(content).hexdigest() == task["result"]["sha256"]
        # No client sees a state older than one it has seen.
        assert client.states == sorted(client.states, key=STATE_ORDER.index)
