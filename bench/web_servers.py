"""Web servers under load: each on one core, with wrk and all else on another."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.runs import Run, Runs, median, ratio
from bench.wrk import (
    CONNECTIONS,
    CORES,
    LOAD_CORE,
    SERVER_CORE,
    Load,
    on_cores,
    run_wrk,
)
from school.runtime.embedded_redis import free_port
from school.runtime.processes import service_commands
from school.runtime.supervisor import kill_process_group, start_child
from tests.support.postgresql import PostgresqlServer
from tests.support.stack import Stack, create_database

STOP_SECONDS = 20
OURS = "ours"
VARIABLES = {
    "ACCESS_TOKEN_MINUTES": "600",
    # No request may be refused for its number.
    "MAX_ACTIVE_PER_ROLE": "administrator=1000000,staff=1000000,teacher=1000000",
    "MAX_QUEUED": "1000000",
    "MAX_SUBMITS_IN_FLIGHT": str(CONNECTIONS),
    # Each accepted report sends its message, as those of the peers do.
    "MAX_PUBLISHED_PER_QUEUE": "1000000",
    "REPUBLISH_AFTER_SECONDS": "3600",
    # A worker that is frozen keeps its task.
    "LEASE_SECONDS": "3600",
}
USERS = """
from api.auth.tokens import access_token_for
from school.models import Attachment, Role, User
for number in range({count}):
    user, is_new = User.objects.get_or_create(
        username=f"bench-{{number}}", defaults={{"role": Role.TEACHER}}
    )
    if is_new:
        for class_id in (1, 2):
            Attachment.objects.create(user=user, school_class_id=class_id)
    user.refresh_from_db()
    print(access_token_for(user))
"""


@dataclass(frozen=True)
class WebServer:
    url: str
    process: subprocess.Popen[bytes]
    database_pid: int | None = None
    """Process of the database server, if its CPU time counts too."""

    def cpu_seconds(self) -> float:
        seconds = tree_cpu_seconds(self.process.pid)
        if self.database_pid is not None:
            seconds += tree_cpu_seconds(self.database_pid)
        return seconds

    def measure(self, load: Load, seconds: float) -> Run:
        """Return the mean times of a request: wall clock, CPU, and the outcome as answer."""
        before = self.cpu_seconds()
        outcome = run_wrk(self.url, load, seconds)
        cpu_seconds = self.cpu_seconds() - before
        count = outcome.requests
        return Run(outcome.seconds / count, cpu_seconds / count, outcome)


def tree_memory_bytes(pid: int) -> int:
    """Return the proportional memory (PSS) of a process and its descendants.

    Unlike `bench.runs.tree_pss_bytes` it counts those with the command line of the root: the
    workers of gunicorn are such.
    """
    parent = psutil.Process(pid)
    processes = [parent, *parent.children(recursive=True)]
    return sum(process.memory_full_info().pss for process in processes)


def tree_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its descendants, also of those that it waited for."""
    parent = psutil.Process(pid)
    own = parent.cpu_times()
    times = [p.cpu_times() for p in [parent, *parent.children(recursive=True)]]
    living = sum(one.user + one.system for one in times)
    return float(living + own.children_user + own.children_system)


@contextmanager
def run_service(*, is_spread: bool = False, **variables: str) -> Iterator[Stack]:
    """Run the whole service on a new PostgreSQL database inside the block.

    All of it, and this process, is on the core of the load, unless it `is_spread`.
    """
    if SERVER_CORE == LOAD_CORE:
        sys.exit("The benchmarks of the web process need two processors.")
    with (
        on_cores(*(CORES if is_spread else [LOAD_CORE])),
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        closing(PostgresqlServer()) as postgres,
        Stack(
            Path(folder), create_database(postgres.url), **VARIABLES | variables
        ) as stack,
    ):
        yield stack


def stop_consumers(stack: Stack) -> None:
    """Stop the workers, so that accepted tasks stay in the queue."""
    for name, process in stack.supervisor.processes.items():
        if name.startswith("worker-"):
            process.terminate()
            process.wait()


@contextmanager
def our_web(stack: Stack) -> Iterator[WebServer]:
    """Run the web process of the service on the core of the servers."""
    port = free_port()
    command = service_commands(bind=f"127.0.0.1:{port}")["web"]
    # A worker that is replaced after 100,000 requests closes connections under load.
    command += ["--max-requests", "0", "--max-requests-jitter", "0"]
    with web_server(
        OURS, command, port, folder=stack.folder, environment=stack.environment
    ) as server:
        yield server


@contextmanager
def web_server(
    name: str,
    command: Sequence[str],
    port: int,
    *,
    folder: Path,
    environment: Mapping[str, str],
) -> Iterator[WebServer]:
    """Run a web server on its core inside the block; it logs into the folder."""
    log = folder / f"{name}.log"
    with on_cores(SERVER_CORE):
        process = start_child(command, log=log, environment=environment)
    try:
        yield WebServer(f"http://127.0.0.1:{port}", process)
    except RuntimeError as error:
        error.add_note(log.read_text(errors="replace")[-2000:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill_process_group(process)


def make_tokens(stack: Stack, count: int = CONNECTIONS) -> list[str]:
    """Create as many teachers of two classes, and return their access tokens."""
    output = stack.manage("shell", "-c", USERS.format(count=count))
    return [line for line in output.splitlines() if line.startswith("ey")]


def result_table(runs: Runs) -> str:
    """Return a table of the CPU time of a request and of the throughput, with our ratios."""
    lines = [
        "| server | CPU µs | lowest, highest | ours × | requests/s | ours × | p50 / p99 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, server_runs in runs.items():
        cpu = [1e6 * run.cpu_seconds for run in server_runs]
        p50, p99 = (
            sorted(1000 * getattr(run.answer, part) for run in server_runs)[
                len(cpu) // 2
            ]
            for part in ("p50", "p99")
        )
        lines.append(
            f"| {name} | {1e6 * median(server_runs, 'cpu_seconds'):.0f} "
            f"| {min(cpu):.0f}, {max(cpu):.0f} "
            f"| {ratio(runs[OURS], server_runs, 'cpu_seconds'):.2f} "
            f"| {1 / median(server_runs):.0f} | {ratio(server_runs, runs[OURS]):.2f} "
            f"| {p50:.1f} / {p99:.1f} |"
        )
    return "\n".join(lines)
