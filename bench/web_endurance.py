"""Memory and latency of the web process in its last minute at 70 % load, against the first.

python -m bench.web_endurance [--minutes 10]
"""

import json
from dataclasses import dataclass, replace

from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import describe_conditions
from bench.web_servers import (
    WebServer,
    make_tokens,
    our_web,
    run_service,
    tree_memory_bytes,
)
from bench.web_submits import BODY
from bench.wrk import Load, Outcome, Request, fetch, run_wrk
from tests.support.stack import Stack

CONNECTIONS = 64
SHARE = 0.7
MINUTE = 60
FULL_LOAD_SECONDS = 20
UNCHANGED_POLLS, LISTS = 15, 2
STATUSES = [200, 202, 304]
DESCRIPTION = """\
The web process on one core under a mix of requests of 16 users over 64 connections: of 50 requests, {polls} polls, {unchanged} polls with the
`ETag` of an unchanged task, {lists} each of `/tasks` and `/me`, and one submission of the report of a class, which
workers on the other core make. The load is {share:.0%} of what the process served in {full} s without pauses, {full_rate:.0f} requests a
second. A response with another status than 200, 202 or 304, or none within 10 s, fails the run. Memory is the
process's with its children at the end of the minute (PSS).
"""


@dataclass(frozen=True)
class Minute:
    outcome: Outcome
    memory_bytes: int


def mixed_load(stack: Stack, tokens: list[str]) -> Load:
    """Return the mix, in which each user polls a task of their own that has ended."""
    requests = []
    for token in tokens:
        path, etag = _finish_report(stack, token)
        poll = Request(path, token)
        unchanged = replace(poll, etag=etag)
        submission = Request("/reports", token, "POST", body=BODY)
        lists = [Request(path, token) for path in ("/tasks", "/me")]
        group = [poll, poll, unchanged] * UNCHANGED_POLLS + lists * LISTS + [submission]
        requests += group
    return Load(requests, STATUSES, CONNECTIONS)


def _finish_report(stack: Stack, token: str) -> tuple[str, str]:
    """Return the path of a finished task and its ETag."""
    submission = Request("/reports", token, "POST", body=BODY)
    task = json.loads(fetch(stack.base_url, submission)[2])
    poll = Request(task["links"]["self"], token)

    def is_final() -> bool:
        document = json.loads(fetch(stack.base_url, poll)[2])
        return document["poll_after_ms"] is None

    stack.wait_until(is_final)
    return poll.path, fetch(stack.base_url, poll)[1]


def pause_for(full: Outcome) -> int:
    """Return the pause of each connection, in milliseconds, at which the share is sent.

    A connection sends its next request after the response and the pause; without a queue the
    response takes about the time that the process needs for one request.
    """
    rate = full.requests / full.seconds
    return round(1000 * (CONNECTIONS / (SHARE * rate) - 1 / rate))


def run_minutes(server: WebServer, load: Load, count: int) -> list[Minute]:
    return [
        Minute(run_wrk(server.url, load, MINUTE), tree_memory_bytes(server.process.pid))
        for _number in range(count)
    ]


def result_table(minutes: list[Minute]) -> str:
    lines = [
        "| minute | requests/s | p50 ms | p99 ms | memory MB |",
        "|---|---|---|---|---|",
    ]
    for number, minute in enumerate(minutes, 1):
        outcome = minute.outcome
        lines.append(
            f"| {number} | {outcome.requests / outcome.seconds:.0f} | {1000 * outcome.p50:.1f} "
            f"| {1000 * outcome.p99:.1f} | {minute.memory_bytes / 1e6:.1f} |"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    with run_service() as stack:
        load = mixed_load(stack, make_tokens(stack))
        with our_web(stack) as server:
            fetch(server.url, load.requests[0])  # waits until the server has started
            full = run_wrk(server.url, load, FULL_LOAD_SECONDS)
            load = replace(load, pause_ms=pause_for(full))
            minutes = run_minutes(server, load, options.minutes)
    first, last = minutes[0], minutes[-1]
    description = DESCRIPTION.format(
        polls=2 * UNCHANGED_POLLS,
        unchanged=UNCHANGED_POLLS,
        lists=LISTS,
        share=SHARE,
        full=FULL_LOAD_SECONDS,
        full_rate=full.requests / full.seconds,
    )
    conditions = describe_conditions(
        replace(options, rounds=1), f"{options.minutes} minutes"
    )
    values = {
        "endurance-memory": last.memory_bytes / first.memory_bytes,
        "endurance-p99": last.outcome.p99 / first.outcome.p99,
    }
    text = "\n\n".join([description, conditions, result_table(minutes)])
    save_section("bench.web_endurance", text, values, options)


if __name__ == "__main__":
    main(read_options(__doc__))
