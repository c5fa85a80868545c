"""What each fault cost the tasks it hit: how long until they went on.

A fault hits the tasks that are queued or running when it strikes, or are asked for while
it lasts. Such a task has gone on with its first move after the healing: out of the attempt
that was running, or into a worker's hands. Its wait is the time from the healing to that
move, without the time in which
- another fault was at work,
- the report itself took its time, if the attempt that was hit ended by itself,
- every slot of its queue was busy with other reports, if it was queued.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.ledger import Entry
from tests.chaos.schedule import Blow
from tests.chaos.witness import History, Move

SLOTS = {"reports": 2, "reports.bulk": 1}
SUPERVISION_SECONDS = 20
"""A report that hangs, or kills its worker, ends by its lease: its own doing."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Wait:
    blow: Blow
    task_id: str
    seconds: float
    allowed: float
    """The fault's bound, and those of the faults that came before it was over."""


def waits(
    blows: Sequence[Blow],
    histories: dict[str, History],
    entries: dict[str, Entry],
    queue_of: dict[str, str],
) -> list[Wait]:
    busy = {queue: _busy(queue, histories, queue_of) for queue in SLOTS}
    found = []
    for blow in blows:
        for task_id, history in histories.items():
            state, move = _hit(history, blow)
            if move is None:
                continue
            others = [(one.began, one.healed) for one in blows if one is not blow]
            spared = [*others, *(busy[queue_of[task_id]] if state == "queued" else ())]
            wait = _uncovered((blow.healed, move.at), spared)
            if state == "running" and move.became not in ("queued", "running"):
                wait -= _own_seconds(entries.get(task_id))
            later = [one for one in blows if blow.began < one.began < move.at]
            allowed = blow.fault.bound + sum(one.fault.bound for one in later)
            found.append(Wait(blow, task_id, max(0.0, wait), allowed))
    return found


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def _hit(history: History, blow: Blow) -> tuple[str, Move | None]:
    """The state in which the fault found the task, and the move with which it went on."""
    first_after = bisect_right([move.at for move in history], blow.healed)
    before, after = history[:first_after], history[first_after:]
    state = before[-1].became if before else ""
    if state not in ("queued", "running") or not after:
        return state, None
    return state, after[0]


def _own_seconds(entry: Entry | None) -> float:
    if entry is None:
        return 0.0
    ends_by_itself = entry.wish.code in ("timeout", "worker_lost") or entry.wish.deaths
    return entry.wish.seconds + (SUPERVISION_SECONDS if ends_by_itself else 0)


def _busy(
    queue: str, histories: dict[str, History], queue_of: dict[str, str]
) -> list[Span]:
    """When all slots of the queue's workers held a running task."""
    steps: list[tuple[float, int]] = []
    for task_id, history in histories.items():
        if queue_of[task_id] != queue:
            continue
        for move, following in zip(history, history[1:], strict=False):
            if move.is_claim:
                steps += [(move.at, 1), (following.at, -1)]
    spans, running, since = [], 0, 0.0
    for at, step in sorted(steps):
        was_full = running >= SLOTS[queue]
        running += step
        is_full = running >= SLOTS[queue]
        if is_full and not was_full:
            since = at
        if was_full and not is_full:
            spans.append((since, at))
    return spans


def _uncovered(span: Span, covers: Iterable[Span]) -> float:
    """How much of the span none of the others covers."""
    begin, end = span
    left = 0.0
    for low, high in sorted(covers):
        if low > end:
            break
        left += max(0.0, low - begin)
        begin = max(begin, high)
        if begin >= end:
            return left
    return left + max(0.0, end - begin)
