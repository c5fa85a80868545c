"""Cost of following a report: long polling and `poll_after_ms` against fixed intervals.

    python -m bench.clients [--rounds 3] [--clients 20] [--seconds 1 10 60]

Each strategy has its own web process, on the same Redis and database, so that all are
measured at the same time on the same machine. In each round all clients of all strategies
follow one report of the given duration (submitted with one idempotency key) and record when
they receive the final state. The figures are the requests after the first, the bytes in both
directions, the CPU time of the web process beyond that of clients that only submit, and the
delay from `finished_at` until the client knows.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bench.options import Options
from bench.results import save_section
from school.runtime.embedded_redis import free_port
from school.runtime.processes import service_commands
from school.runtime.supervisor import Supervisor
from tests.support.stack import Stack

MIN_CPU_MS = 10.0
"""CPU time per client below which the subtracted time of submitting hides the difference."""
DESCRIPTION = """\
Goal: a tenth of the requests and of the CPU time of polling every 500 ms, and a long poll that
returns within 100 ms of the end. The first request, which submits the report (with a `wait` of
up to 25 s in the strategy `wait`), is not counted, since every strategy needs it. Medians of
{rounds} rounds of {clients} clients each; late is the time from `finished_at` until the client has
read the final state, over all clients.
"""


@dataclass
class Tally:
    """Totals of one report and one strategy, over all its clients."""

    requests: int = 0
    bytes: int = 0
    cpu_ms: float = 0.0
    late_ms: list[float] = field(default_factory=list)


class Follower:
    """Client that keeps its connection, counts its traffic and records its last response."""

    def __init__(self, port: int, token: str, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        self.requests = self.bytes = 0
        self.updated_at = 0.0
        self.etag = ""
        self.document: dict[str, Any] = {}

    def submit(self, seconds: float, **headers: str) -> None:
        body = {"report": "slow", "parameters": {"seconds": seconds}, "format": "csv"}
        self._request("POST", "/reports", json.dumps(body), headers)
        self.requests = self.bytes = 0  # every strategy has to submit

    def poll(self, **headers: str) -> None:
        self._request("GET", self.document["links"]["self"], None, headers)
        self.requests += 1

    @property
    def is_over(self) -> bool:
        return self.document["poll_after_ms"] is None

    def _request(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> None:
        request_headers = self._headers | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        self._connection.request(method, path, body, request_headers)
        response = self._connection.getresponse()
        content = response.read()
        self.bytes += (
            len(content) + len(str(response.headers)) + len(str(request_headers))
        )
        self.etag = response.headers.get("ETag", "")
        if response.status != 304:
            self.document = json.loads(content)
        self.updated_at = time.time()


def submit_only(follower: Follower, seconds: float) -> None:
    follower.submit(seconds)
    time.sleep(seconds + 1)


def long_poll(follower: Follower, seconds: float) -> None:
    follower.submit(seconds, Prefer="wait=25")
    while not follower.is_over:
        follower.poll(Prefer="wait=25", If_None_Match=follower.etag)


def follow_advice(follower: Follower, seconds: float) -> None:
    follower.submit(seconds)
    while not follower.is_over:
        time.sleep(follower.document["poll_after_ms"] / 1000)
        follower.poll()


def poll_every(pause: float) -> Callable[[Follower, float], None]:
    def poll(follower: Follower, seconds: float) -> None:
        follower.submit(seconds)
        while not follower.is_over:
            time.sleep(pause)
            follower.poll()

    return poll


STRATEGIES: dict[str, Callable[[Follower, float], None]] = {
    "submit only": submit_only,
    "wait": long_poll,
    "advice": follow_advice,
    "every 500 ms": poll_every(0.5),
    "every 2 s": poll_every(2.0),
}


class WebProcess:
    """Web process of one strategy."""

    def __init__(self, keeper: Supervisor, name: str) -> None:
        self.port = free_port()
        keeper.start(name, service_commands(bind=f"127.0.0.1:{self.port}")["web"])
        self._parent = psutil.Process(keeper.processes[name].pid)

    def cpu_ms(self) -> float:
        """Return the CPU time of the gunicorn worker, from the kernel's nanosecond counters."""
        worker = self._parent.children()[0]
        stats = Path(f"/proc/{worker.pid}/task").glob("*/schedstat")
        return sum(int(path.read_text().split()[0]) for path in stats) / 1e6


def measure(
    webs: dict[str, WebProcess], token: str, *, seconds: float, clients: int
) -> dict[str, Tally]:
    """Run one round, in which all clients of all strategies follow one report."""
    key = str(uuid.uuid4())
    followers = {
        name: [Follower(web.port, token, key) for _ in range(clients)]
        for name, web in webs.items()
    }
    before = {name: web.cpu_ms() for name, web in webs.items()}
    threads = [
        threading.Thread(target=STRATEGIES[name], args=(follower, seconds))
        for name, group in followers.items()
        for follower in group
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu_ms = {name: web.cpu_ms() - before[name] for name, web in webs.items()}
    finished_at = followers["every 500 ms"][0].document["finished_at"]
    return {
        name: _tally(group, cpu_ms[name] - cpu_ms["submit only"], finished_at)
        for name, group in followers.items()
    }


def _tally(followers: list[Follower], cpu_ms: float, finished_at: str) -> Tally:
    end_time = datetime.fromisoformat(finished_at).timestamp()
    return Tally(
        requests=sum(f.requests for f in followers),
        bytes=sum(f.bytes for f in followers),
        cpu_ms=cpu_ms,
        late_ms=[1000 * (follower.updated_at - end_time) for follower in followers],
    )


@contextmanager
def run_stack() -> Iterator[tuple[dict[str, WebProcess], str]]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Stack(Path(folder), MAX_SUBMITS_IN_FLIGHT="100") as stack,
    ):
        keeper = Supervisor(Path(folder) / "webs", stack.environment)
        try:
            webs = {name: WebProcess(keeper, name) for name in STRATEGIES}
            token = stack.as_user("teacher").token
            time.sleep(5)  # until all processes accept requests
            yield webs, token
        finally:
            keeper.stop()


def result_table(rounds: dict[float, list[dict[str, Tally]]], clients: int) -> str:
    lines = [
        "| report | strategy | requests | × 500 ms | bytes × 500 ms | CPU ms | × 500 ms | late p50 / max |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for seconds, rounds_of_length in rounds.items():
        for strategy in [name for name in STRATEGIES if name != "submit only"]:
            ours = [one_round[strategy] for one_round in rounds_of_length]
            peers = [one_round["every 500 ms"] for one_round in rounds_of_length]
            late_ms = sorted(ms for tally in ours for ms in tally.late_ms)
            lines.append(
                f"| {seconds:g} s | {strategy} "
                f"| {statistics.median(t.requests for t in ours) / clients:.1f} "
                f"| {_ratio(ours, peers, 'requests'):.3f} "
                f"| {_ratio(ours, peers, 'bytes'):.3f} "
                f"| {statistics.median(t.cpu_ms for t in ours) / clients:.2f} "
                f"| {_cpu_ratio(ours, peers, clients)} "
                f"| {statistics.median(late_ms):.0f} / {late_ms[-1]:.0f} ms |"
            )
    return "\n".join(lines)


def _cpu_ratio(ours: list[Tally], peers: list[Tally], clients: int) -> str:
    """Return the ratio of CPU times; a dash if the baseline is too small to measure."""
    peer = statistics.median(tally.cpu_ms for tally in peers) / clients
    return f"{_ratio(ours, peers, 'cpu_ms'):.3f}" if peer >= MIN_CPU_MS else "–"


def _ratio(ours: list[Tally], peers: list[Tally], name: str) -> float:
    """Return the median of the rounds' ratios."""
    pairs = zip(ours, peers, strict=True)
    return float(
        statistics.median(
            getattr(our, name) / getattr(peer, name) for our, peer in pairs
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 10, 60])
    arguments = parser.parse_args()
    rounds: dict[float, list[dict[str, Tally]]] = {s: [] for s in arguments.seconds}
    with run_stack() as (webs, token):
        for number in range(arguments.rounds + 1):
            for seconds in arguments.seconds if number else [1]:  # the first warms up
                tallies = measure(
                    webs, token, seconds=seconds, clients=arguments.clients
                )
                if number:
                    rounds[seconds].append(tallies)
    table = result_table(rounds, arguments.clients)
    description = DESCRIPTION.format(rounds=arguments.rounds, clients=arguments.clients)
    save_section(
        "bench.clients", f"{description}\n{table}", {}, Options(rounds=arguments.rounds)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
