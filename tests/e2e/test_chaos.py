"""Short chaos run with the quick faults, and the table of faults on the operations page."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.faults import FAULTS
from tests.chaos.run import ChaosPlan, run_chaos
from tests.support.environment import DATABASE

# One fault of each sort, without those that last long.
QUICK_FAULTS = (
    "kill_pool_child",
    "kill_worker",
    "freeze_worker",
    "kill_worker_holding_message",
    "cancel_without_worker",
    "kill_web_after_commit",
    "kill_worker_before_sync",
    "kill_dispatcher",
    "run_second_dispatcher",
    "fill_disk",
    "cut_connections",
    "kill_redis",
    "restart_redis_empty",
    "restart_redis_with_older_file",
    "flush_redis",
    "delete_queue_keys",
    "freeze_redis",
    "restart_postgresql",
)


@pytest.mark.deep("it injects faults for two minutes")
@pytest.mark.timeout(400)
def test_faults_under_load_violate_no_invariant(tmp_path):
    plan = ChaosPlan(
        seed=int(os.environ.get("SEED", "1")),
        database=DATABASE,
        seconds=120,
        faults=QUICK_FAULTS,
        max_faults=len(QUICK_FAULTS),
        lease_seconds=4,
        republish_seconds=3,
        shutdown_grace_seconds=3,
        pause_range=(0.2, 1),
        max_fault_seconds=5,
        settle_timeout_seconds=90,
    )

    result = run_chaos(plan, tmp_path, Console(width=120))

    violations = {
        name: subjects for name, subjects in result.violations.items() if subjects
    }
    assert violations == {}
    assert result.state_counts["succeeded"] > 0


def test_operations_page_lists_every_fault_with_its_bound():
    page = Path("docs/operations.md").read_text()

    published = [
        line
        for line in page.partition("## What it survives")[2].splitlines()
        if line.endswith(" s |")
    ]

    assert published == [
        f"| {fault.description} | {fault.max_recovery_seconds} s |"
        for fault in FAULTS.values()
    ]
