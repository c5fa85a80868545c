"""Cost of a poll and of a submission with many finished tasks, against few.

python -m bench.web_growth [--rounds 5] [--load-seconds 5] [--tasks 1000000]
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

import psutil
import psycopg

from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import Run, Runs, describe_conditions, ratio, run_interleaved
from bench.web_data import insert_finished_tasks
from bench.web_polls import running_task
from bench.web_servers import (
    OURS,
    WebServer,
    make_tokens,
    our_web,
    result_table,
    run_service,
    stop_consumers,
)
from bench.web_submits import measure_submits, submissions, wait_for_start
from bench.wrk import CONNECTIONS, Load, Request
from tests.support.stack import Stack

FEW = 1000
USERS = 200
DESCRIPTION = """\
Two services, each with its own PostgreSQL and Redis, which differ only in the finished tasks: copies of a finished report, of
{users} users, in the last five days; statistics are up to date. The CPU time is that of the web process and, unlike in the
other sections, of PostgreSQL, per request. “Ours” has {many:,} tasks, the other 1,000; polls and submissions
are those of the other sections.
"""


@dataclass(frozen=True)
class Service:
    stack: Stack
    web: WebServer
    tokens: list[str]


@contextmanager
def service_with(count: int) -> Iterator[Service]:
    """Run a service with this number of finished tasks inside the block."""
    with run_service() as stack:
        with psycopg.connect(stack.database_url, autocommit=True) as connection:
            # It would run during the loads of one service and not of the other.
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
            backend = psutil.Process(connection.info.backend_pid)
            database_pid = backend.ppid()
        tokens = make_tokens(stack, USERS)[:CONNECTIONS]
        sys.stderr.write(f"Inserting {count:,} tasks ...\n")
        insert_finished_tasks(stack, tokens[0], count)
        with our_web(stack) as web:
            yield Service(stack, replace(web, database_pid=database_pid), tokens)


def measure_polls(services: dict[str, Service], options: Options) -> Runs:
    with ExitStack() as exit_stack:
        variants = {}
        for name, service in services.items():
            task = running_task(service.stack, service.tokens[0])
            path = exit_stack.enter_context(task)
            load = Load([Request(path, service.tokens[0])], [200])
            variants[name] = partial(service.web.measure, load, options.load_seconds)
        return run_interleaved(variants, options.rounds)


def measure_submissions(services: dict[str, Service], options: Options) -> Runs:
    variants = {}
    for name, service in services.items():
        stop_consumers(service.stack)
        load = submissions(service.tokens)
        wait_for_start(service.web, load)
        variants[name] = partial(_measure_one, service, load, options.load_seconds)
    return run_interleaved(variants, options.rounds)


def _measure_one(service: Service, load: Load, seconds: float) -> Run:
    return measure_submits(service.web, load, service.stack, seconds)


def main(options: Options) -> None:
    few_name = f"{FEW:,} tasks"
    with service_with(FEW) as few, service_with(options.tasks) as many:
        services = {OURS: many, few_name: few}
        polls = measure_polls(services, options)
        submits = measure_submissions(services, options)
    text = [
        DESCRIPTION.format(users=USERS, many=options.tasks),
        describe_conditions(options, f"{options.load_seconds:g} s of load"),
        f"### Polls\n\n{result_table(polls)}",
        f"### Submissions\n\n{result_table(submits)}",
    ]
    values = {
        "growth-poll": ratio(polls[OURS], polls[few_name], "cpu_seconds"),
        "growth-submit": ratio(submits[OURS], submits[few_name], "cpu_seconds"),
    }
    save_section("bench.web_growth", "\n\n".join(text), values, options)


if __name__ == "__main__":
    main(read_options(__doc__))
