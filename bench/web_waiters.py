"""Memory of 5,000 clients that wait on one process, and the time until they know an end.

python -m bench.web_waiters [--rounds 5] [--load-seconds 5]
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles

from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import ROOT, describe_conditions
from bench.web_data import RUNNING, finish_report, insert_copies, user_ids
from bench.web_servers import (
    WebServer,
    make_tokens,
    our_web,
    run_service,
    stop_consumers,
    tree_memory_bytes,
)
from bench.web_waiting_clients import Clients, WaitingTask
from bench.wrk import LOAD_CORE, Load, Request, fetch, on_cores, run_wrk
from school.runtime.processes import MANAGE_PY
from tests.support.stack import Stack

CLIENTS = 5000
USERS = 100
RATE = 100
"""Ends a second in the first part of a round."""
PACED_LOADS = 5
"""Durations of a load for which tasks end one by one: long enough for all waits to be repeated."""
WARM_SECONDS = 5
SETTLE_SECONDS = 1.0
MAX_CONNECTIONS = "20000"
DESCRIPTION = """\
{clients:,} clients of {users} users wait for a running task each with `GET /tasks/<id>?wait=25`, `Authorization` and `If-None-Match`, on
connections that stay open; the process has one core, and the clients, Redis, PostgreSQL and the dispatcher another. A client
repeats a wait that ended with 304, and takes another running task after the end of its own. The command is that of the service;
the clients come from one address, so `MAX_CONNECTIONS_PER_IP` is raised, and a user may have 100 waits.

- Memory is the PSS of the process with all clients waiting, less that after {warm} s of polls over 16 connections, per client.
- “{rate} ends a second”: a process of the service ends that many tasks one by one, by the transition of a worker
  (`lifecycle.succeed`), for {seconds:g} s. The delay is from `finished_at`, the clock of the UPDATE, until the client has the whole response.
- “All at once”: one transaction ends the tasks of all {clients:,} clients, and the documents, made before its commit, are sent to Redis
  in one packet after it. The time is from the commit until the last client has its response; CPU is that of the process, per client.
"""


@dataclass(frozen=True)
class Round:
    bytes_per_client: float
    delays: list[float]
    """Seconds from each end until its client knew."""
    all_known: float
    """Seconds from the commit of all ends until the last client knew."""
    burst_cpu: float
    """CPU seconds of the process meanwhile."""


class Ender:
    """The process that ends tasks; see `bench.web_task_ends`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    async def run(self, *command: object) -> float:
        return await asyncio.to_thread(self._run, " ".join(map(str, command)))

    def _run(self, command: str) -> float:
        input, output = self._process.stdin, self._process.stdout
        assert input
        assert output
        input.write(f"{command}\n")
        input.flush()
        name, _separator, value = output.readline().partition(" ")
        if name != command.split()[0]:
            raise RuntimeError(f"{command}: the process has ended")
        return float(value)


@contextmanager
def run_ender(stack: Stack) -> Iterator[Ender]:
    code = "from bench.web_task_ends import main; main()"
    process = subprocess.Popen(
        [sys.executable, str(MANAGE_PY), "shell", "--no-imports", "-c", code],
        cwd=ROOT,
        env=stack.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Ender(process)
    finally:
        process.kill()
        process.wait()


def running_tasks(
    stack: Stack, original: str, tokens: dict[int, str], count: int
) -> list[WaitingTask]:
    """Insert running tasks of all users; return them in the order of their ends."""
    insert_copies(stack, original, RUNNING, count, span="1 minute")
    rows = stack.query(
        "SELECT id, requester_id FROM tasks_task WHERE state = 'running' ORDER BY id"
    )
    return [WaitingTask(f"/tasks/{pk}", tokens[user_id]) for pk, user_id in rows]


async def run_round(
    server: WebServer, ender: Ender, tasks: list[WaitingTask], base_bytes: int
) -> Round:
    clients = Clients(server.url)
    await ender.run("prepare")
    await clients.open(tasks[:CLIENTS])
    await asyncio.sleep(SETTLE_SECONDS)
    memory = tree_memory_bytes(server.process.pid) - base_bytes
    ends = len(tasks) - CLIENTS
    clients.spare_tasks.extend(tasks[CLIENTS:])
    await ender.run("pace", ends, RATE)
    await clients.wait_until_ended(ends)
    delays = [end.received_at - end.finished_at for end in clients.ends]
    await asyncio.sleep(SETTLE_SECONDS)
    clients.ends.clear()
    cpu = server.cpu_seconds()
    committed_at = await ender.run("all")
    await clients.wait_until_ended(CLIENTS)
    all_known = max(end.received_at for end in clients.ends) - committed_at
    cpu = server.cpu_seconds() - cpu
    await clients.close()
    return Round(memory / CLIENTS, delays, all_known, cpu)


def measure(options: Options) -> list[Round]:
    rounds = []
    with run_service(MAX_CONNECTIONS_PER_IP=MAX_CONNECTIONS) as stack:
        token_list = make_tokens(stack, USERS)
        tokens = dict(zip(user_ids(stack), token_list, strict=True))
        original = finish_report(stack, token_list[0])
        stop_consumers(stack)
        count = CLIENTS + round(RATE * PACED_LOADS * options.load_seconds)
        with run_ender(stack) as ender, our_web(stack) as server, on_cores(LOAD_CORE):
            poll = Request(f"/tasks/{original}", token_list[0])
            fetch(server.url, poll)  # waits until the server has started
            run_wrk(server.url, Load([poll], [200]), WARM_SECONDS)
            base_bytes = tree_memory_bytes(server.process.pid)
            for _number in range(options.rounds):
                tasks = running_tasks(stack, original, tokens, count)
                rounds.append(asyncio.run(run_round(server, ender, tasks, base_bytes)))
                time.sleep(SETTLE_SECONDS)
    return rounds


def result_table(rounds: list[Round]) -> str:
    lines = [
        "| round | KB a client | delay p50 / p99 / max ms | all know after s | CPU µs a client |",
        "|---|---|---|---|---|",
    ]
    for number, one in enumerate(rounds, 1):
        p50, p99 = _percentiles(one.delays)
        lines.append(
            f"| {number} | {one.bytes_per_client / 1e3:.1f} "
            f"| {p50:.0f} / {p99:.0f} / {1e3 * max(one.delays):.0f} "
            f"| {one.all_known:.2f} | {1e6 * one.burst_cpu / CLIENTS:.0f} |"
        )
    return "\n".join(lines)


def _percentiles(delays: list[float]) -> tuple[float, float]:
    cuts = quantiles([1e3 * delay for delay in delays], n=100)
    return cuts[49], cuts[98]


def main(options: Options) -> None:
    rounds = measure(options)
    description = DESCRIPTION.format(
        clients=CLIENTS,
        users=USERS,
        rate=RATE,
        warm=WARM_SECONDS,
        seconds=PACED_LOADS * options.load_seconds,
    )
    conditions = describe_conditions(options, f"{CLIENTS:,} clients")
    delays = [delay for one in rounds for delay in one.delays]
    values = {
        "waiters-memory": rounds[0].bytes_per_client / 1e3,
        "waiters-delay": _percentiles(delays)[1],
        "waiters-burst": median(one.all_known for one in rounds),
    }
    text = "\n\n".join([description, conditions, result_table(rounds)])
    save_section("bench.web_waiters", text, values, options)


if __name__ == "__main__":
    main(read_options(__doc__))
