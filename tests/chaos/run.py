"""A whole run: the house is started, hurt while the crowd asks, healed, and judged."""

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
# What the sweep does in the course of an hour.
SWEEP = """
from tasks import artifacts
from tasks.maintenance import artifact_gc
for folder in artifacts.SHARDS:
    artifact_gc.settle(folder)
"""


@dataclass(frozen=True)
class ChaosPlan:
    seed: int
    database: str
    seconds: float
    faults: Sequence[str] = ()
    """Which ones; all of them when none is named."""
    max_faults: int | None = None
    """How many faults strike, where the time shall not say it."""
    lease_seconds: int = 15
    republish_seconds: int = 10
    shutdown_grace_seconds: int = 10
    pause_range: tuple[float, float] = (1.5, 5.0)
    max_fault_seconds: float = 60
    """No fault lasts longer."""
    settle_timeout_seconds: float = 240
    """After the last fault, within which every task must have ended."""

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
        console.print("All is healed; waiting for what is under way.")
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
            console.print(f"left out: {name}: {reason}")


def _inject_faults(schedule: Schedule, plan: ChaosPlan, console: Console) -> None:
    started_at = time.monotonic()
    injections = schedule.run(
        until=started_at + plan.seconds,
        max_faults=plan.max_faults,
        pause_range=plan.pause_range,
        max_fault_seconds=plan.max_fault_seconds,
    )
    for injection in injections:
        suffix = " (did not work)" if injection.error else ""
        console.print(f"{time.monotonic() - started_at:6.0f} s  {injection}{suffix}")


def _wait_until_settled(cluster: Cluster, plan: ChaosPlan) -> None:
    """Until all have ended and Redis was brought up to them, or the time is over."""
    pending_condition = "state IN ('queued', 'running') OR projected_version <> version"
    cluster.becomes_true(
        lambda: not cluster.count_tasks(pending_condition), plan.settle_timeout_seconds
    )


def _sweep(cluster: Cluster) -> None:
    """As if a day had gone by."""
    age_files(cluster.folder / "artifacts", DAY_SECONDS)
    with suppress(AssertionError):  # then the files are still there, and are found
        cluster.manage("shell", "-c", SWEEP)
