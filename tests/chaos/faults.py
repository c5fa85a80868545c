"""Faults that the service must survive, each with its recovery bound."""

import random
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.chaos.clients import Clients
from tests.chaos.cluster import Cluster, kill_processes
from tests.support.stack import suspend

REPORT_WORKERS = (("worker-reports", "reports"), ("worker-bulk", "reports.bulk"))
MAX_REPLACEMENT_SECONDS = 120
"""Seconds after which the run goes on, even if a stuck worker is still there."""
CLOCK_SHIFT_DIR = Path(__file__).with_name("clock_shift")


@dataclass(frozen=True)
class FaultContext:
    """Target and parameters of one injection."""

    cluster: Cluster
    clients: Clients
    rng: random.Random
    seconds: float
    """Duration of the fault in seconds; ignored by instantaneous faults."""

    def pause(self) -> None:
        self.cluster.pause(self.seconds)


Injector = Callable[[FaultContext], float | None]
"""Function that injects a fault; it may return the time from which its bound counts."""


@dataclass(frozen=True)
class Fault:
    name: str
    description: str
    inject: Injector
    """Function that injects the fault and returns once it is healed, by itself or by the service.

    If the service has to heal it, it returns the time from which the bound counts.
    """
    component: str
    """Affected component; two simultaneous faults never share one."""
    max_recovery_seconds: int
    """Seconds after healing within which every task that was hit continues."""
    duration_range: tuple[float, float]
    may_cost_attempts: bool
    requires: str

    def unavailable_reason(self, cluster: Cluster) -> str:
        """Explain why the fault cannot be injected here; empty if it can."""
        if self.requires == "postgresql" and not cluster.is_postgresql:
            return "SQLite has no server to stop"
        if self.requires == "linux" and not hasattr(psutil.Process, "rlimit"):
            return "this system cannot limit a running process"
        return ""


FAULTS: dict[str, Fault] = {}


def register_fault(
    description: str,
    *,
    component: str,
    max_recovery_seconds: int,
    duration_range: tuple[float, float] = (0, 0),
    may_cost_attempts: bool = False,
    requires: str = "",
) -> Callable[[Injector], Injector]:
    def register(inject: Injector) -> Injector:
        name = inject.__name__
        FAULTS[name] = Fault(
            name,
            description,
            inject,
            component,
            max_recovery_seconds,
            duration_range,
            may_cost_attempts,
            requires,
        )
        return inject

    return register


# --- Processes ----------------------------------------------------------------------


@register_fault("`kill -9` of a worker's child while it makes a report",
       component="workers", max_recovery_seconds=30, may_cost_attempts=True)  # fmt: skip
def kill_pool_child(context: FaultContext) -> None:
    kill_processes(_random_child(context))


@register_fault("`kill -9` of a whole worker",
       component="workers", max_recovery_seconds=30, may_cost_attempts=True)  # fmt: skip
def kill_worker(context: FaultContext) -> None:
    names = ["worker-reports", "worker-reports", "worker-bulk", "worker-default"]
    context.cluster.kill(context.rng.choice(names))


@register_fault("a worker frozen past its lease, then resumed",
       component="workers", max_recovery_seconds=30, duration_range=(17, 20), may_cost_attempts=True)  # fmt: skip
def freeze_worker(context: FaultContext) -> None:
    with suspend(context.cluster.processes("worker-reports")):
        context.pause()


@register_fault("a worker's child frozen past its lease, then resumed",
       component="workers", max_recovery_seconds=30, duration_range=(17, 20), may_cost_attempts=True)  # fmt: skip
def freeze_pool_child(context: FaultContext) -> None:
    with suspend(_random_child(context)):
        context.pause()


@register_fault("a worker killed after Redis gave it a message and before it noted that",
       component="workers", max_recovery_seconds=30, may_cost_attempts=True)  # fmt: skip
def kill_worker_holding_message(context: FaultContext) -> None:
    cluster, clients = context.cluster, context.clients
    with (
        cluster.without_restarts(),
        cluster.suspend_between_writes(cluster.processes("worker-bulk")),
    ):
        entry = clients.submit(
            "admin", clients.workload.slow_report(0.5, 1, "slow_export")
        )
        if entry is not None:
            published_condition = "queue = 'reports.bulk' AND published_at IS NOT NULL"
            cluster.becomes_true(
                lambda: cluster.count_tasks(
                    f"{published_condition} AND state = 'queued'"
                ),
                5,
            )
            cluster.pause(0.3)
        kill_processes(cluster.processes("worker-bulk"))


@register_fault("`kill -9` of a worker just after a cancel of what it makes",
       component="workers", max_recovery_seconds=30, may_cost_attempts=True)  # fmt: skip
def kill_worker_after_cancel(context: FaultContext) -> None:
    cluster, clients = context.cluster, context.clients
    entry = clients.submit("teacher", clients.workload.slow_report(8, 9))
    if entry is not None:
        cluster.becomes_true(
            lambda: clients.poll(entry) and entry.last_state != "queued", 10
        )
        clients.cancel(entry)
    cluster.kill("worker-reports")


@register_fault("a cancel while no worker is up",
       component="workers", max_recovery_seconds=30, duration_range=(2, 4), may_cost_attempts=True)  # fmt: skip
def cancel_without_worker(context: FaultContext) -> None:
    cluster, clients = context.cluster, context.clients
    with cluster.without_restarts():
        cluster.kill("worker-reports")
        open_entries = clients.ledger.open_entries()
        for entry in context.rng.sample(open_entries, min(3, len(open_entries))):
            clients.cancel(entry)
        context.pause()


@register_fault("`kill -9` of the web process between its commit and the message",
       component="redis", max_recovery_seconds=30)  # fmt: skip
def kill_web_after_commit(context: FaultContext) -> None:
    cluster, clients = context.cluster, context.clients
    with cluster.freeze_redis():
        count_before = cluster.count_tasks("1 = 1")
        clients.submit_in_background("secretary", clients.workload.slow_report(0.5, 1))
        cluster.becomes_true(lambda: cluster.count_tasks("1 = 1") > count_before, 3)
        cluster.kill("web")


@register_fault("`kill -9` of a worker between its commit and the document in Redis",
       component="redis", max_recovery_seconds=30, may_cost_attempts=True)  # fmt: skip
def kill_worker_before_sync(context: FaultContext) -> None:
    cluster = context.cluster
    out_of_date_condition = (
        "state IN ('succeeded', 'failed') AND projected_version < version"
    )
    with cluster.freeze_redis():
        cluster.becomes_true(lambda: cluster.count_tasks(out_of_date_condition), 4)
        cluster.kill("worker-reports")


@register_fault(
    "`kill -9` of the dispatcher", component="dispatcher", max_recovery_seconds=30
)
def kill_dispatcher(context: FaultContext) -> None:
    context.cluster.kill("dispatcher")


@register_fault(
    "two dispatchers at once",
    component="dispatcher",
    max_recovery_seconds=30,
    duration_range=(4, 10),
)
def run_second_dispatcher(context: FaultContext) -> None:
    with context.cluster.second_process("dispatcher"):
        context.pause()


@register_fault(
    "SIGTERM of everything, and a new start (a deploy)",
    component="all",
    max_recovery_seconds=30,
)
def deploy(context: FaultContext) -> None:
    cluster = context.cluster
    with cluster.without_restarts():
        cluster.terminate(*cluster.process_names)
        for name in cluster.process_names:
            cluster.start(name)


@register_fault("a worker on a host whose clock is minutes off",
       component="workers", max_recovery_seconds=30, duration_range=(6, 12))  # fmt: skip
def shift_clock(context: FaultContext) -> None:
    cluster = context.cluster
    shift = context.rng.choice((-1, 1)) * context.rng.uniform(120, 600)
    try:
        with cluster.without_restarts():
            cluster.terminate("worker-reports")
            cluster.start_with_env("worker-reports", PYTHONPATH=str(CLOCK_SHIFT_DIR),
                             CLOCK_SHIFT_SECONDS=str(shift))  # fmt: skip
        context.pause()
    finally:
        with cluster.without_restarts():
            cluster.terminate("worker-reports")
            cluster.start("worker-reports")


@register_fault("the disk full while artifacts are written",
       component="workers", max_recovery_seconds=30, duration_range=(2, 5), may_cost_attempts=True, requires="linux")  # fmt: skip
def fill_disk(context: FaultContext) -> None:
    with _limit_file_size(context.cluster, "worker-reports"):
        context.pause()


@register_fault("a worker that lives and takes no message, after a control command by hand",
       component="workers", max_recovery_seconds=60)  # fmt: skip
def stop_consuming_by_hand(context: FaultContext) -> float:
    cluster = context.cluster
    name, queue = context.rng.choice(REPORT_WORKERS)
    command = context.rng.choice(
        (
            ("cancel_consumer", queue),
            ("rate_limit", "tasks.generate_report", "1/h"),
        )
    )
    with _until_replaced(cluster, name):
        options = ("--timeout", "5", "--destination", f"{queue}@{socket.gethostname()}")
        # Again and again, because another fault may keep the worker from replying.
        cluster.becomes_true(
            lambda: cluster.try_celery("control", *options, *command), 60
        )
        # It is not stuck before what it makes has ended.
        running = f"queue = '{queue}' AND state = 'running'"
        cluster.becomes_true(lambda: not cluster.count_tasks(running), 60)
        return time.time()


@register_fault("a worker frozen for good",
       component="workers", max_recovery_seconds=60, may_cost_attempts=True)  # fmt: skip
def freeze_worker_for_good(context: FaultContext) -> float:
    cluster = context.cluster
    name, _queue = context.rng.choice(REPORT_WORKERS)
    with (
        cluster.suspend_between_writes(cluster.processes(name)),
        _until_replaced(cluster, name),
    ):
        return time.time()


# --- Redis --------------------------------------------------------------------------


@register_fault(
    "`CLIENT KILL` of all connections to Redis",
    component="redis",
    max_recovery_seconds=30,
)
def cut_connections(context: FaultContext) -> None:
    for kind in ("normal", "pubsub"):
        context.cluster.redis.execute_command("CLIENT", "KILL", "TYPE", kind)


@register_fault("Redis killed, and back with its file",
       component="redis", max_recovery_seconds=30, duration_range=(0, 3))  # fmt: skip
def kill_redis(context: FaultContext) -> None:
    with context.cluster.kill_redis():
        context.pause()


@register_fault(
    "Redis killed, and back without its file",
    component="redis",
    max_recovery_seconds=30,
)
def restart_redis_empty(context: FaultContext) -> None:
    with context.cluster.kill_redis() as file:
        shutil.rmtree(file)


@register_fault("Redis killed, and back with an older file",
       component="redis", max_recovery_seconds=30, duration_range=(3, 8))  # fmt: skip
def restart_redis_with_older_file(context: FaultContext) -> None:
    older = context.cluster.copy_redis_data()
    context.pause()
    with context.cluster.kill_redis() as file:
        shutil.rmtree(file)
        older.rename(file)


@register_fault("`FLUSHALL`", component="redis", max_recovery_seconds=30)
def flush_redis(context: FaultContext) -> None:
    context.cluster.redis.flushall()


@register_fault(
    "the keys of the queues deleted", component="redis", max_recovery_seconds=30
)
def delete_queue_keys(context: FaultContext) -> None:
    redis = context.cluster.redis
    bindings = list(redis.scan_iter("_kombu.binding.*"))
    redis.delete("reports", "reports.bulk", "default", "unacked", "unacked_index",
                 *bindings)  # fmt: skip


@register_fault(
    "Redis frozen for up to a minute",
    component="redis",
    max_recovery_seconds=30,
    duration_range=(3, 60),
)
def freeze_redis(context: FaultContext) -> None:
    with context.cluster.freeze_redis():
        context.pause()


@register_fault(
    "Redis refusing for up to a minute",
    component="redis",
    max_recovery_seconds=30,
    duration_range=(3, 60),
)
def refuse_redis(context: FaultContext) -> None:
    with context.cluster.kill_redis():
        context.pause()


@register_fault(
    "`celery control revoke` by hand", component="redis", max_recovery_seconds=30
)
def revoke_by_hand(context: FaultContext) -> None:
    open_entries = context.clients.ledger.open_entries()
    if open_entries:
        entry = context.rng.choice(open_entries)
        entry.is_revoked = True
        context.cluster.try_celery("control", "revoke", entry.task_id)


@register_fault("`celery purge` by hand", component="redis", max_recovery_seconds=30)
def purge_by_hand(context: FaultContext) -> None:
    context.cluster.try_celery("purge", "--force")


# --- The database -------------------------------------------------------------------


@register_fault("PostgreSQL restarted",
       component="database", max_recovery_seconds=30, may_cost_attempts=True, requires="postgresql")  # fmt: skip
def restart_postgresql(context: FaultContext) -> None:
    context.cluster.postgresql.stop()
    context.cluster.postgresql.start()


@register_fault("PostgreSQL refusing for up to half a minute",
       component="database", max_recovery_seconds=30, duration_range=(3, 30), may_cost_attempts=True,
       requires="postgresql")  # fmt: skip
def refuse_postgresql(context: FaultContext) -> None:
    context.cluster.postgresql.stop()
    try:
        context.pause()
    finally:
        context.cluster.postgresql.start()


@contextmanager
def _until_replaced(cluster: Cluster, name: str) -> Iterator[None]:
    """Wait at the end of the block until the worker has been replaced."""
    before = cluster.supervisor.processes[name].pid
    yield
    cluster.becomes_true(
        lambda: cluster.supervisor.processes[name].pid != before,
        MAX_REPLACEMENT_SECONDS,
    )


def _random_child(context: FaultContext) -> list[psutil.Process]:
    children = context.cluster.processes("worker-reports")[1:]
    return [context.rng.choice(children)] if children else []


@contextmanager
def _limit_file_size(cluster: Cluster, name: str) -> Iterator[None]:
    """Let every write that extends a file fail in the processes of that name."""
    limit = psutil.RLIMIT_FSIZE
    limits = {process: process.rlimit(limit) for process in cluster.processes(name)}
    original_limit = next(iter(limits.values()), (-1, -1))
    try:
        for process, (_, hard) in limits.items():
            process.rlimit(limit, (0, hard))
        yield
    finally:
        # New children have inherited the limit, so list the processes again.
        for process in cluster.processes(name):
            with suppress(psutil.NoSuchProcess):
                process.rlimit(limit, original_limit)
