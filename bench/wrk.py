"""Load by wrk on one core, with every response checked."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
CONNECTIONS = 16
SCRIPT = Path(__file__).with_name("wrk_requests.lua")
START_SECONDS = 30
"""Time that a server has to answer its first request."""


@dataclass(frozen=True)
class Request:
    """Request that wrk sends; `NUMBER` in the body becomes a number of its own."""

    path: str
    token: str
    method: str = "GET"
    etag: str = ""
    body: str = ""

    def to_line(self) -> str:
        return "\t".join([self.method, self.path, self.token, self.etag, self.body])


@dataclass(frozen=True)
class Load:
    """Requests sent in turns, and the statuses of their responses."""

    requests: Sequence[Request]
    statuses: Sequence[int]
    connections: int = CONNECTIONS
    pause_ms: int = 0
    """Milliseconds from a response to the next request of its connection."""


@dataclass(frozen=True)
class Outcome:
    """Measurements of a load by wrk."""

    requests: int
    seconds: float
    p50: float
    p99: float


@contextmanager
def on_cores(*numbers: int) -> Iterator[None]:
    """Start the processes of the block on these processors."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, numbers)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def fetch(url: str, request: Request) -> tuple[int, str, bytes]:
    """Return the status, the ETag and the body of one response, once the server answers."""
    headers = {"Authorization": f"Bearer {request.token}"}
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.body:
        headers["Content-Type"] = "application/json"
    body = request.body.replace("NUMBER", str(time.time_ns())).encode() or None
    deadline = time.monotonic() + START_SECONDS
    while True:
        message = urllib.request.Request(
            url + request.path, body, headers, method=request.method
        )
        try:
            with urllib.request.urlopen(message, timeout=30) as response:
                return response.status, response.headers["ETag"] or "", response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["ETag"] or "", error.read()
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no answer: {url}") from None
            time.sleep(0.1)


def run_wrk(url: str, load: Load, seconds: float) -> Outcome:
    """Load the server by wrk; raise `RuntimeError` unless every response is as expected."""
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit(
            "wrk is not installed: install the package wrk (Debian: apt install wrk)."
        )
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write("".join(f"{request.to_line()}\n" for request in load.requests))
        file.flush()
        command = [
            wrk, "--threads", "1", "--connections", str(load.connections),
            "--duration", f"{max(1, round(seconds))}s", "--timeout", "10s",
            "--script", str(SCRIPT), url, "--",
            file.name, ",".join(map(str, load.statuses)), str(load.pause_ms),
        ]  # fmt: skip
        with on_cores(LOAD_CORE):
            output = subprocess.run(command, capture_output=True, text=True)
    if output.returncode:
        raise RuntimeError(f"wrk failed: {output.stdout}{output.stderr}")
    result = json.loads(output.stdout.strip().splitlines()[-1])
    if result["unexpected"] or result["lost"] or not result["requests"]:
        raise RuntimeError(f"{url}: unexpected responses: {result}")
    return Outcome(*(result[name] for name in ("requests", "seconds", "p50", "p99")))
