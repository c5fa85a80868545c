"""What following a report costs: by our waits and advice, and by asking at fixed intervals.

    python -m bench.clients [--rounds 3] [--clients 20] [--seconds 1 10 60]

Each way of following has a web process of its own, on the same Redis and database, so that
all are measured at the same time on the same machine. In each round every client of every
way follows one report of the given length (all ask for it under one key) and notes when it
knows of the end. Counted are the requests after the first, the bytes both ways, the
processor time of the web process beyond that of clients that only ask and never look, and
how long after `finished_at` a client knows.
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
"""Processor time a client; what is less drowns in that of asking, which is taken off."""
DESCRIPTION = """\
Goal: a tenth of the requests and of the processor time of asking every 500 ms, and a waiting
client that knows within 100 ms. The first request, which asks for the report, is nobody's to
save and is left out; a `wait` of up to 25 s is part of it. Medians of {rounds} rounds of {clients}
clients each; late is from `finished_at` until the client has read the end, over all of them.
"""


@dataclass
class Tally:
    """What following one report by one way came to, for all its clients."""

    requests: int = 0
    bytes: int = 0
    cpu_ms: float = 0.0
    late_ms: list[float] = field(default_factory=list)


class Follower:
    """One client: keeps its connection, counts, and knows when it knew."""

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
        self.requests = self.bytes = 0  # everybody has to ask

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
            n.replace("_", "-"): v for n, v in headers.items()
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
    "only ask": submit_only,
    "wait": long_poll,
    "advice": follow_advice,
    "every 500 ms": poll_every(0.5),
    "every 2 s": poll_every(2.0),
}


class WebProcess:
    """A web process of its own for one way of following."""

    def __init__(self, keeper: Supervisor, name: str) -> None:
        self.port = free_port()
        keeper.start(name, service_commands(bind=f"127.0.0.1:{self.port}")["web"])
        self._parent = psutil.Process(keeper.processes[name].pid)

    def cpu_ms(self) -> float:
        """Of the process that serves: to the nanosecond, where the kernel tells."""
        worker = self._parent.children()[0]
        stats = Path(f"/proc/{worker.pid}/task").glob("*/schedstat")
        return sum(int(path.read_text().split()[0]) for path in stats) / 1e6


def measure(
    webs: dict[str, WebProcess], token: str, *, seconds: float, clients: int
) -> dict[str, Tally]:
    """One round: all clients of all ways follow one report of that length."""
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
        name: _tally(of_way, cpu_ms[name] - cpu_ms["only ask"], finished_at)
        for name, of_way in followers.items()
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
        Stack(Path(folder)) as stack,
    ):
        keeper = Supervisor(Path(folder) / "webs", stack.environment)
        try:
            webs = {name: WebProcess(keeper, name) for name in STRATEGIES}
            token = stack.as_user("teacher").token
            time.sleep(5)  # until all serve
            yield webs, token
        finally:
            keeper.stop()


def result_table(rounds: dict[float, list[dict[str, Tally]]], clients: int) -> str:
    lines = [
        "| report | way | requests | × 500 ms | bytes × 500 ms | CPU ms | × 500 ms | late p50 / max |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for seconds, rounds_of_length in rounds.items():
        for strategy in [name for name in STRATEGIES if name != "only ask"]:
            ours = [one_round[strategy] for one_round in rounds_of_length]
            peers = [of_round["every 500 ms"] for of_round in rounds_of_length]
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
    """Of a few polls no more can be told than that they cost little."""
    peer = statistics.median(tally.cpu_ms for tally in peers) / clients
    return f"{_ratio(ours, peers, 'cpu_ms'):.3f}" if peer >= MIN_CPU_MS else "–"


def _ratio(ours: list[Tally], peers: list[Tally], name: str) -> float:
    """The median of the rounds' ratios."""
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
