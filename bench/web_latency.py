"""Time from a submission until a waiting client knows its end, against Celery's `delay().get()`.

python -m bench.web_latency [--rounds 5]
"""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles
from urllib.parse import urlsplit

import redis

from bench import peers_environment
from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import Run, Runs, Variant, describe_conditions, run_interleaved
from bench.web_peers import Peers
from bench.web_servers import OURS, make_tokens, run_service
from school.runtime.supervisor import start_child
from tests.support.stack import Stack

CALLS = 200
CELERY = "delay().get()"
WORKER_PROCESSES = "2"
NOTHING = {"report": "slow", "parameters": {"seconds": 0}, "format": "json"}
DESCRIPTION = """\
One client after the other, {calls} times in each round, on all cores. “Ours” is `POST /reports` with `Prefer: wait=25` of a
report without rows until the response with the final state: token, rights, quotas, row, message, worker, file and
document. “delay().get()” is a Celery task that returns 0, with Redis as broker and result backend and a worker of two
processes, like ours. Milliseconds over all rounds.
"""


class WaitingClient:
    """Client with one connection that submits reports and waits for their end."""

    def __init__(self, base_url: str, token: str) -> None:
        address = urlsplit(base_url).netloc
        self._connection = http.client.HTTPConnection(address, timeout=60)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Prefer": "wait=25",
        }

    def run_report(self) -> float:
        """Return the seconds until the response of a report that has succeeded."""
        body = json.dumps(NOTHING | {"label": str(time.time_ns())})
        started_at = time.perf_counter()
        self._connection.request("POST", "/reports", body, self._headers)
        response = self._connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - started_at
        if response.status != 200 or json.loads(content)["state"] != "succeeded":
            raise RuntimeError(f"{response.status} {content!r}")
        return seconds


@contextmanager
def peer_worker(stack: Stack, peers: Peers) -> Iterator[None]:
    """Run a Celery worker of the peers inside the block."""
    command = [
        peers_environment.python(), "-m", "celery", "-A", "bench.peers.celery_app",
        "worker", "--queues", "peers", "--concurrency", WORKER_PROCESSES,
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    process = start_child(
        command, log=stack.folder / "peer-worker.log", environment=peers.environment
    )
    try:
        with redis.Redis.from_url(peers.environment["PEER_REDIS_URL"]) as client:
            stack.wait_until(lambda: client.exists("_kombu.binding.peers"), 30)
        yield
    finally:
        process.terminate()
        process.wait()


def _run_of(latencies: list[float]) -> Run:
    return Run(sum(latencies), 0.0, latencies)


def percentiles(runs: list[Run]) -> tuple[float, float]:
    """Return p50 and p99 over all rounds, in milliseconds."""
    latencies = [1000 * seconds for run in runs for seconds in run.answer]
    cuts = quantiles(latencies, n=100)
    return cuts[49], cuts[98]


def result_table(runs: Runs) -> str:
    lines = ["| way | p50 ms | p99 ms | slowest |", "|---|---|---|---|"]
    for name, variant_runs in runs.items():
        p50, p99 = percentiles(variant_runs)
        slowest = 1000 * max(max(run.answer) for run in variant_runs)
        lines.append(f"| {name} | {p50:.1f} | {p99:.1f} | {slowest:.1f} |")
    return "\n".join(lines)


def main(options: Options) -> None:
    with run_service(is_spread=True) as stack:
        (token,) = make_tokens(stack, 1)
        peers = Peers.beside(stack)
        client = WaitingClient(stack.base_url, token)
        celery_calls = Variant(
            "bench.peers.celery_calls:prepare",
            {"count": CALLS},
            python=peers_environment.python(),
            environment=peers.environment,
        )
        variants = {
            OURS: lambda: _run_of([client.run_report() for _number in range(CALLS)]),
            CELERY: lambda: _run_of(celery_calls().answer),
        }
        with peer_worker(stack, peers):
            runs = run_interleaved(variants, options.rounds)
    ours, theirs = percentiles(runs[OURS]), percentiles(runs[CELERY])
    text = [
        DESCRIPTION.format(calls=CALLS),
        describe_conditions(options, f"{CALLS} calls"),
        result_table(runs),
    ]
    values = {"latency-p50": ours[0] / theirs[0], "latency-p99": ours[1] / theirs[1]}
    save_section("bench.web_latency", "\n\n".join(text), values, options)


if __name__ == "__main__":
    main(read_options(__doc__))
