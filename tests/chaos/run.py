"""A whole run: the house is started, hurt while the crowd asks, healed, and judged."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.chaos import audit_triggers, summary
from tests.chaos.checks import Judge, Verdict, age_files
from tests.chaos.clients import Crowd
from tests.chaos.cluster import House
from tests.chaos.faults import FAULTS
from tests.chaos.schedule import Schedule

WARM_UP_SECONDS = 5
DAY = 24 * 3600
# What the sweep does in the course of an hour.
SWEEP = """
from tasks import artifacts
from tasks.maintenance import artifact_gc
for folder in artifacts.SHARDS:
    artifact_gc.settle(folder)
"""


@dataclass(frozen=True)
class Plan:
    seed: int
    database: str
    seconds: float
    faults: Sequence[str] = ()
    """Which ones; all of them when none is named."""
    at_most: int | None = None
    """How many faults strike, where the time shall not say it."""
    lease_seconds: int = 15
    republish_seconds: int = 10
    hand_over_seconds: int = 10
    pauses: tuple[float, float] = (1.5, 5.0)
    longest: float = 60
    """No fault lasts longer."""
    quiet_seconds: float = 240
    """After the last fault, within which every task must have ended."""

    @property
    def variables(self) -> dict[str, str]:
        return {
            "LEASE_SECONDS": str(self.lease_seconds),
            "REPUBLISH_AFTER_SECONDS": str(self.republish_seconds),
            "SHUTDOWN_GRACE_SECONDS": str(self.hand_over_seconds),
        }


def run(plan: Plan, folder: Path, console: Console) -> Verdict:
    with ExitStack() as undo:
        house = House(folder, database=plan.database, variables=plan.variables)
        undo.enter_context(house)
        audit_triggers.install(house)
        _tell_impossible(house, plan, console)
        crowd = Crowd(house, plan.seed)
        undo.callback(crowd.end)
        schedule = Schedule(house, crowd, seed=plan.seed, names=plan.faults)
        undo.callback(schedule.close)
        undo.callback(house.over.set)
        crowd.begin()
        house.pause(min(WARM_UP_SECONDS, plan.seconds / 10))
        _hurt(schedule, plan, console)
        crowd.stop_asking()
        console.print("All is healed; waiting for what is under way.")
        _wait_for_quiet(house, plan)
        judge = Judge(house, crowd, schedule.blows)
        found = judge.judge()
        _sweep(house)
        judge.look_for_files()
        summary.show(console, found, crowd.ledger)
        return found


def _tell_impossible(house: House, plan: Plan, console: Console) -> None:
    for name in plan.faults or FAULTS:
        if why := FAULTS[name].impossible(house):
            console.print(f"left out: {name}: {why}")


def _hurt(schedule: Schedule, plan: Plan, console: Console) -> None:
    began = time.monotonic()
    dealt = schedule.deal(
        until=began + plan.seconds,
        at_most=plan.at_most,
        pauses=plan.pauses,
        longest=plan.longest,
    )
    for blow in dealt:
        trouble = " (did not work)" if blow.error else ""
        console.print(f"{time.monotonic() - began:6.0f} s  {blow}{trouble}")


def _wait_for_quiet(house: House, plan: Plan) -> None:
    """Until all have ended and Redis was brought up to them, or the time is over."""
    unsettled = "state IN ('queued', 'running') OR projected_version <> version"
    house.until(lambda: not house.count(unsettled), plan.quiet_seconds)


def _sweep(house: House) -> None:
    """As if a day had gone by."""
    age_files(house.folder / "artifacts", DAY)
    with suppress(AssertionError):  # then the files are still there, and are found
        house.manage("shell", "-c", SWEEP)
