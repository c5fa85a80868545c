import os
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.faults import FAULTS
from tests.chaos.run import ChaosPlan, run_chaos
from tests.support.environment import DATABASE

# Of every sort, and none that takes its time.
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


@pytest.mark.deep("it hurts the service for two minutes")
@pytest.mark.timeout(400)
def test_whatever_is_hurt_every_report_ends_once_and_truly(tmp_path):
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

    verdict = run_chaos(plan, tmp_path, Console(width=120))

    assert {name: found for name, found in verdict.violations.items() if found} == {}
    assert verdict.state_counts["succeeded"] > 0


def test_readme_publishes_the_bound_of_every_fault():
    readme = Path("README.md").read_text()

    published = [
        line
        for line in readme.partition("## What it survives")[2].splitlines()
        if line.endswith(" s |")
    ]

    assert published == [
        f"| {fault.description} | {fault.max_recovery_seconds} s |"
        for fault in FAULTS.values()
    ]
