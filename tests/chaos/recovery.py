"""What each fault cost the tasks it hit: how long until they went on.

A fault hits the tasks that are queued or running when it strikes, or are asked for while
it lasts. Such a task has gone on with its first move after the healing: out of the attempt
that was running, or into a worker's hands. Its wait is the time from the healing to that
move, without the time in which
- another fault was at work,
- the report itself took its time, if the attempt that was hit ended by itself,
- every slot of its queue was taken by other reports, if it was queued. A report that hangs
  keeps its slot until its process is killed; one that kills its process, until there is a
  new one.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.audit_triggers import History, Transition
from tests.chaos.ledger import LedgerEntry
from tests.chaos.schedule import Injection

SLOTS = {"reports": 2, "reports.bulk": 1}
SUPERVISION_SECONDS = 20
"""A report that hangs, or kills its worker, ends by its lease: its own doing."""
HARD_KILL_SECONDS = 10
"""After its time limit, a report that hangs."""
REFILL_SECONDS = 6
"""Until the pool has a new process for one that was killed."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Recovery:
    injection: Injection
    task_id: str
    seconds: float
    limit_seconds: float
    """The fault's bound, and those of the faults that came before it was over."""


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
                (one.started_at, one.healed_at)
                for one in injections
                if one is not injection
            ]
            exclusions = [
                *other_injections,
                *(full_intervals[queue_by_task[task_id]] if state == "queued" else ()),
            ]
            seconds = _uncovered_seconds(
                (injection.healed_at, transition.recorded_at), exclusions
            )
            if state == "running" and transition.to_state not in ("queued", "running"):
                seconds -= _own_seconds(entries.get(task_id))
            later = [
                one
                for one in injections
                if injection.started_at < one.started_at < transition.recorded_at
            ]
            limit_seconds = injection.fault.max_recovery_seconds + sum(
                one.fault.max_recovery_seconds for one in later
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
    """The state in which the fault found the task, and the move with which it went on."""
    first_after = bisect_right(
        [transition.recorded_at for transition in history], injection.healed_at
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
    """When each attempt held a slot of the queue's workers."""
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
    """When that many slots were held."""
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
    """How much of the span none of the others covers."""
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
