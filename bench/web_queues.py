"""Cost of a poll, of a submission and of the dispatcher's tick with 10,000 tasks in the queue.

python -m bench.web_queues [--rounds 5] [--load-seconds 5]
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median as median_of

import psutil
import psycopg

from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import (
    ROOT,
    Run,
    Runs,
    describe_conditions,
    median,
    ratio,
    run_interleaved,
)
from bench.web_data import RUNNING, finish_report, insert_copies, user_ids
from bench.web_servers import (
    OURS,
    WebServer,
    make_tokens,
    our_web,
    result_table,
    run_service,
    stop_consumers,
)
from bench.web_submits import submissions, wait_for_start
from bench.wrk import (
    CONNECTIONS,
    LOAD_CORE,
    SERVER_CORE,
    Load,
    Request,
    fetch,
    on_cores,
)
from school.runtime.processes import MANAGE_PY
from tests.support.stack import Stack

QUEUE_LENGTH = 10_000
USERS = 200
TICKS = 20
EMPTY = "empty queue"
JOBS_SHOWN = 4
MESSAGES = "16"
"""`MAX_PUBLISHED_PER_QUEUE` of the service; the other sections raise it."""
DESCRIPTION = """\
Two services, each with its own PostgreSQL and Redis: “ours” has {length:,} tasks of {users} users in the queue, the other none. No
worker takes them, and 16 messages are published, as the service's own settings say; `MAX_QUEUED` is raised, so that no submission is
refused and the queue is counted once a second. Polls and submissions are those of the other sections; the dispatchers run
during the polls. A poll of a queued task has the queue's position and the estimated end; in the other queue
the task is the only one. The CPU time of submissions is that of the web process and, unlike in the other sections, of PostgreSQL, per request.
"""
TICK_DESCRIPTION = """\
`Dispatcher.tick` with {length:,} tasks of {users} users in the queue, once a second, {ticks} times, in a process alone on its core; the databases and
Redis are on the other one. Before it, the new dispatcher has written all documents once. Milliseconds of each tick, and medians of each job.
"""


@dataclass(frozen=True)
class Service:
    stack: Stack
    web: WebServer
    tokens: list[str]
    running_poll: Request
    queued_poll: Request
    database_pid: int


@contextmanager
def service_with(count: int) -> Iterator[Service]:
    """Run a service with this number of queued tasks inside the block."""
    with ExitStack() as exit_stack:
        stack = exit_stack.enter_context(run_service(MAX_PUBLISHED_PER_QUEUE=MESSAGES))
        with psycopg.connect(stack.database_url, autocommit=True) as connection:
            # It would run during the loads of one service and not of the other.
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
            database_pid = psutil.Process(connection.info.backend_pid).ppid()
        tokens = make_tokens(stack, USERS)
        original = finish_report(stack, tokens[0])
        stop_consumers(stack)
        insert_copies(stack, original, RUNNING, 1, span="1 minute")
        running = _find_running(stack, dict(zip(user_ids(stack), tokens, strict=True)))
        _run_in(stack, f"fill_queue({count})")
        web = exit_stack.enter_context(our_web(stack))
        queued = _queue_one(stack, tokens[0])
        yield Service(stack, web, tokens[:CONNECTIONS], running, queued, database_pid)


def _find_running(stack: Stack, tokens: dict[int, str]) -> Request:
    """Return the poll of the only running task."""
    query = "SELECT id, requester_id FROM tasks_task WHERE state = 'running'"
    ((task_id, user_id),) = stack.query(query)
    return Request(f"/tasks/{task_id}", tokens[user_id])


def _queue_one(stack: Stack, token: str) -> Request:
    """Submit a task that waits; return its poll, once the dispatcher knows its position."""
    (submission,) = submissions([token]).requests
    task = json.loads(fetch(stack.base_url, submission)[2])
    poll = Request(task["links"]["self"], token)
    stack.wait_until(lambda: json.loads(fetch(stack.base_url, poll)[2])["queue"])
    return poll


def measure_polls(
    services: dict[str, Service], options: Options, attribute: str
) -> Runs:
    variants = {}
    for name, service in services.items():
        poll: Request = getattr(service, attribute)
        fetch(service.web.url, poll)  # waits until the server has started
        load = Load([poll], [200])
        variants[name] = partial(service.web.measure, load, options.load_seconds)
    return run_interleaved(variants, options.rounds)


def measure_submissions(services: dict[str, Service], options: Options) -> Runs:
    variants = {}
    for name, service in services.items():
        # Its reads of the queue are no part of a submission.
        _stop_dispatcher(service.stack)
        load = submissions(service.tokens)
        wait_for_start(service.web, load)
        variants[name] = partial(_measure_one, service, load, options.load_seconds)
    return run_interleaved(variants, options.rounds)


def _measure_one(service: Service, load: Load, seconds: float) -> Run:
    web = replace(service.web, database_pid=service.database_pid)
    run = web.measure(load, seconds)
    with psycopg.connect(service.stack.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM tasks_task WHERE label LIKE 'report %'")
        connection.execute("VACUUM (ANALYZE) tasks_task")
    return run


def _stop_dispatcher(stack: Stack) -> None:
    process = stack.supervisor.processes["dispatcher"]
    process.terminate()
    process.wait()


def measure_ticks(stack: Stack) -> list[Run]:
    """Run the dispatcher's ticks on a core of their own, with the queue full."""
    _stop_dispatcher(stack)
    with on_cores(SERVER_CORE):
        output = _run_in(stack, f"run_ticks({TICKS})")
    ticks = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [Run(tick["seconds"], tick["cpu_seconds"], tick["jobs"]) for tick in ticks]


def measure_ticks_on_sqlite() -> list[Run]:
    with (
        on_cores(LOAD_CORE),
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Stack(Path(folder), MAX_PUBLISHED_PER_QUEUE=MESSAGES) as stack,
    ):
        finish_report(stack, make_tokens(stack, USERS)[0])
        stop_consumers(stack)
        _run_in(stack, f"fill_queue({QUEUE_LENGTH})")
        return measure_ticks(stack)


def _run_in(stack: Stack, call: str) -> str:
    """Call a function of `bench.web_dispatcher` in a process of the service."""
    code = f"from bench import web_dispatcher; web_dispatcher.{call}"
    command = [sys.executable, str(MANAGE_PY), "shell", "--no-imports", "-c", code]
    process = subprocess.run(
        command, cwd=ROOT, env=stack.environment, stdout=subprocess.PIPE, text=True
    )
    if process.returncode:
        raise RuntimeError(f"{call} failed")
    return process.stdout


def tick_table(ticks: dict[str, list[Run]]) -> str:
    lines = [
        "| database | ms | fastest, slowest | CPU ms of the process | slowest jobs |"
    ]
    lines.append("|---|---|---|---|---|")
    for database, runs in ticks.items():
        times = [1e3 * run.seconds for run in runs]
        names = {name for run in runs for name in run.answer}
        medians = {
            name: median_of(1e3 * run.answer.get(name, 0.0) for run in runs)
            for name in names
        }
        slowest = sorted(names, key=lambda name: -medians[name])[:JOBS_SHOWN]
        jobs = ", ".join(f"`{name}` {medians[name]:.0f}" for name in slowest)
        lines.append(
            f"| {database} | {median_of(times):.0f} | {min(times):.0f}, {max(times):.0f} "
            f"| {1e3 * median(runs, 'cpu_seconds'):.0f} | {jobs} |"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    with service_with(QUEUE_LENGTH) as many, service_with(0) as none:
        services = {OURS: many, EMPTY: none}
        running = measure_polls(services, options, "running_poll")
        queued = measure_polls(services, options, "queued_poll")
        submits = measure_submissions(services, options)
        ticks = {"PostgreSQL": measure_ticks(many.stack)}
    ticks["SQLite"] = measure_ticks_on_sqlite()
    text = [
        DESCRIPTION.format(length=QUEUE_LENGTH, users=USERS),
        describe_conditions(options, f"{options.load_seconds:g} s of load"),
        f"### Polls of a running task\n\n{result_table(running)}",
        f"### Polls of a queued task\n\n{result_table(queued)}",
        f"### Submissions\n\n{result_table(submits)}",
        "### The dispatcher's tick",
        TICK_DESCRIPTION.format(length=QUEUE_LENGTH, users=USERS, ticks=TICKS),
        tick_table(ticks),
    ]
    polls = [
        ratio(runs[OURS], runs[EMPTY], "cpu_seconds") for runs in (running, queued)
    ]
    values = {
        "queue-poll": max(polls),
        "queue-submit": ratio(submits[OURS], submits[EMPTY], "cpu_seconds"),
        "queue-tick-postgresql": 1e3 * median(ticks["PostgreSQL"]),
        "queue-tick-sqlite": 1e3 * median(ticks["SQLite"]),
    }
    save_section("bench.web_queues", "\n\n".join(text), values, options)


if __name__ == "__main__":
    main(read_options(__doc__))
