"""Recovery time of each task hit by a fault.

A fault hits the tasks that are queued or running when it starts, and those submitted while it
lasts. The task has recovered at its first transition after healing: the end of the running
attempt, or the claim by a worker. The recovery time is the time from healing to that
transition (from its beginning, if the service itself has to heal the fault), excluding the time in which
- another fault was active,
- the report itself was computing, if the attempt that was hit ended by itself,
- every slot of its queue was taken by other reports, if it was queued. A hanging report keeps
  its slot until its process is killed; a report that kills its process keeps it until the pool
  has a new process.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.audit_triggers import History, Transition
from tests.chaos.ledger import LedgerEntry
from tests.chaos.schedule import Injection

SLOTS = {"reports": 2, "reports.bulk": 1}
"""Worker processes of each queue."""
SUPERVISION_SECONDS = 20
"""Seconds added for a report that hangs or kills its worker, which ends when its lease does."""
HARD_KILL_SECONDS = 10
"""Seconds between the time limit of a hanging report and the kill of its process."""
REFILL_SECONDS = 6
"""Seconds until the pool has replaced a killed process."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Recovery:
    injection: Injection
    task_id: str
    seconds: float
    limit_seconds: float
    """Bound of the fault plus those of faults that started before the task recovered."""


def measure_recoveries(
    injections: Sequence[Injection],
    histories: dict[str, History],
    entries: dict[str, LedgerEntry],
    queue_by_task: dict[str, str],
) -> list[Recovery]:
    full_intervals = {queue: _full_intervals(_slot_usage(queue, histories, entries, queue_by_task), SLOTS[queue])
            for queue in SLOTS}  # fmt: skip
    recoveries = []
    for injection in injections:
        for task_id, history in histories.items():
            state, transition = _state_at_injection(history, injection)
            if transition is None:
                continue
            other_injections = [
                (other.started_at, other.healed_at)
                for other in injections
                if other is not injection
            ]
            exclusions = [
                *other_injections,
                *(full_intervals[queue_by_task[task_id]] if state == "queued" else ()),
            ]
            seconds = _uncovered_seconds(
                (injection.recovers_from, transition.recorded_at), exclusions
            )
            if state == "running" and transition.to_state not in ("queued", "running"):
                seconds -= _own_seconds(entries.get(task_id))
            later = [
                other
                for other in injections
                if injection.started_at < other.started_at < transition.recorded_at
            ]
            limit_seconds = injection.fault.max_recovery_seconds + sum(
                other.fault.max_recovery_seconds for other in later
            )
            recoveries.append(
                Recovery(injection, task_id, max(0.0, seconds), limit_seconds)
            )
    return recoveries


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def _state_at_injection(
    history: History, injection: Injection
) -> tuple[str, Transition | None]:
    """Return the state before the bound counts, and the first transition after that.

    The transition is None if the task was not active or never continued.
    """
    first_after = bisect_right(
        [transition.recorded_at for transition in history], injection.recovers_from
    )
    before, after = history[:first_after], history[first_after:]
    state = before[-1].to_state if before else ""
    if state not in ("queued", "running") or not after:
        return state, None
    return state, after[0]


def _own_seconds(entry: LedgerEntry | None) -> float:
    if entry is None:
        return 0.0
    ends_by_itself = (
        entry.request.expected_error in ("timeout", "worker_lost")
        or entry.request.worker_kills
    )
    return entry.request.seconds + (SUPERVISION_SECONDS if ends_by_itself else 0)


def _slot_usage(
    queue: str,
    histories: dict[str, History],
    entries: dict[str, LedgerEntry],
    queue_by_task: dict[str, str],
) -> Iterator[Interval]:
    """Yield the interval in which each attempt occupied a slot of the queue."""
    for task_id, history in histories.items():
        if queue_by_task[task_id] != queue:
            continue
        for transition, next_transition in zip(history, history[1:], strict=False):
            if transition.is_claim:
                yield (
                    transition.recorded_at,
                    _slot_release_time(
                        transition, next_transition, entries.get(task_id)
                    ),
                )


def _slot_release_time(
    claim: Transition, next_transition: Transition, entry: LedgerEntry | None
) -> float:
    if entry is not None and entry.request.expected_error == "timeout":
        kill_time = (
            claim.recorded_at
            + entry.request.seconds
            + HARD_KILL_SECONDS
            + REFILL_SECONDS
        )
        return max(next_transition.recorded_at, kill_time)
    if entry is not None and entry.request.worker_kills:
        return max(next_transition.recorded_at, claim.recorded_at + REFILL_SECONDS)
    return next_transition.recorded_at


def _full_intervals(usage: Iterable[Interval], slots: int) -> list[Interval]:
    """Return the intervals in which at least `slots` slots were occupied."""
    steps = [step for begin, end in usage for step in ((begin, 1), (end, -1))]
    intervals, running, since = [], 0, 0.0
    for at, step in sorted(steps):
        was_full = running >= slots
        running += step
        is_full = running >= slots
        if is_full and not was_full:
            since = at
        if was_full and not is_full:
            intervals.append((since, at))
    return intervals


def _uncovered_seconds(interval: Interval, covers: Iterable[Interval]) -> float:
    """Return the seconds of the interval that no cover overlaps."""
    begin, end = interval
    total = 0.0
    for low, high in sorted(covers):
        if low > end:
            break
        total += max(0.0, low - begin)
        begin = max(begin, high)
        if begin >= end:
            return total
    return total + max(0.0, end - begin)
