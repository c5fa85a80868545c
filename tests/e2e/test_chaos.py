import os
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.faults import FAULTS
from tests.chaos.run import Plan, run
from tests.support.environment import DATABASE

# Of every sort, and none that takes its time.
QUICK = (
    "pool_child_killed",
    "worker_killed",
    "worker_frozen",
    "worker_killed_with_message_in_hand",
    "canceled_without_worker",
    "web_killed_after_commit",
    "worker_killed_before_mirroring",
    "dispatcher_killed",
    "second_dispatcher",
    "disk_full",
    "connections_cut",
    "redis_killed",
    "redis_back_empty",
    "redis_back_with_older_file",
    "redis_flushed",
    "queue_keys_deleted",
    "redis_frozen",
    "postgresql_restarted",
)


@pytest.mark.deep("it hurts the service for two minutes")
@pytest.mark.timeout(400)
def test_whatever_is_hurt_every_report_ends_once_and_truly(tmp_path):
    plan = Plan(
        seed=int(os.environ.get("SEED", "1")),
        database=DATABASE,
        seconds=120,
        faults=QUICK,
        at_most=len(QUICK),
        lease_seconds=4,
        republish_seconds=3,
        hand_over_seconds=3,
        pauses=(0.2, 1),
        longest=5,
        quiet_seconds=90,
    )

    verdict = run(plan, tmp_path, Console(width=120))

    assert {name: found for name, found in verdict.broken.items() if found} == {}
    assert verdict.states["succeeded"] > 0


def test_readme_publishes_the_bound_of_every_fault():
    readme = Path("README.md").read_text()

    published = [
        line
        for line in readme.partition("## What it survives")[2].splitlines()
        if line.endswith(" s |")
    ]

    assert published == [
        f"| {fault.what} | {fault.bound} s |" for fault in FAULTS.values()
    ]
