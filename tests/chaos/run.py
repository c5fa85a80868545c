"""Complete chaos run: start the cluster, inject faults under load, wait, and check."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.chaos import audit_triggers, summary
from tests.chaos.checks import ChaosResult, Checker, age_files
from tests.chaos.clients import Clients
from tests.chaos.cluster import Cluster
from tests.chaos.faults import FAULTS
from tests.chaos.schedule import Schedule

WARM_UP_SECONDS = 5
DAY_SECONDS = 24 * 3600
# The worker's sweep visits all shards within an hour; this visits them at once.
SWEEP = """
from tasks import artifacts
from tasks.maintenance import artifact_gc
for folder in artifacts.SHARDS:
    artifact_gc.sweep_shard(folder)
"""


@dataclass(frozen=True)
class ChaosPlan:
    seed: int
    database: str
    seconds: float
    faults: Sequence[str] = ()
    """Names of the faults; all if empty."""
    max_faults: int | None = None
    """Maximum number of injections; unlimited if None."""
    lease_seconds: int = 15
    republish_seconds: int = 10
    shutdown_grace_seconds: int = 10
    pause_range: tuple[float, float] = (1.5, 5.0)
    max_fault_seconds: float = 60
    """Maximum duration of a fault."""
    settle_timeout_seconds: float = 240
    """Seconds after the last fault within which every task must end."""

    @property
    def variables(self) -> dict[str, str]:
        return {
            "LEASE_SECONDS": str(self.lease_seconds),
            "REPUBLISH_AFTER_SECONDS": str(self.republish_seconds),
            "SHUTDOWN_GRACE_SECONDS": str(self.shutdown_grace_seconds),
        }


def run_chaos(plan: ChaosPlan, folder: Path, console: Console) -> ChaosResult:
    with ExitStack() as exit_stack:
        cluster = Cluster(folder, database=plan.database, variables=plan.variables)
        exit_stack.enter_context(cluster)
        audit_triggers.install_triggers(cluster)
        _print_unavailable_faults(cluster, plan, console)
        clients = Clients(cluster, plan.seed)
        exit_stack.callback(clients.stop)
        schedule = Schedule(cluster, clients, seed=plan.seed, names=plan.faults)
        exit_stack.callback(schedule.close)
        exit_stack.callback(cluster.stop_event.set)
        clients.start()
        cluster.pause(min(WARM_UP_SECONDS, plan.seconds / 10))
        _inject_faults(schedule, plan, console)
        clients.stop_submitting()
        console.print("All faults are healed; waiting for open tasks.")
        _wait_until_settled(cluster, plan)
        checker = Checker(cluster, clients, schedule.injections)
        result = checker.check_all()
        _sweep(cluster)
        checker.check_leftover_files()
        summary.print_summary(console, result, clients.ledger)
        return result


def _print_unavailable_faults(
    cluster: Cluster, plan: ChaosPlan, console: Console
) -> None:
    for name in plan.faults or FAULTS:
        if reason := FAULTS[name].unavailable_reason(cluster):
            console.print(f"skipped: {name}: {reason}")


def _inject_faults(schedule: Schedule, plan: ChaosPlan, console: Console) -> None:
    started_at = time.monotonic()
    injections = schedule.run(
        until=started_at + plan.seconds,
        max_faults=plan.max_faults,
        pause_range=plan.pause_range,
        max_fault_seconds=plan.max_fault_seconds,
    )
    for injection in injections:
        suffix = " (failed)" if injection.error else ""
        console.print(f"{time.monotonic() - started_at:6.0f} s  {injection}{suffix}")


def _wait_until_settled(cluster: Cluster, plan: ChaosPlan) -> None:
    """Wait until all tasks are final and projected into Redis, or the timeout passes."""
    pending_condition = "state IN ('queued', 'running') OR projected_version <> version"
    cluster.becomes_true(
        lambda: not cluster.count_tasks(pending_condition), plan.settle_timeout_seconds
    )


def _sweep(cluster: Cluster) -> None:
    """Run the artifact sweep as if a day had passed."""
    age_files(cluster.folder / "artifacts", DAY_SECONDS)
    with suppress(AssertionError):  # a failed sweep shows up as leftover files
        cluster.manage("shell", "-c", SWEEP)
