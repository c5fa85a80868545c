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

from tests.chaos.audit_triggers import History, Move
from tests.chaos.ledger import Entry
from tests.chaos.schedule import Blow

SLOTS = {"reports": 2, "reports.bulk": 1}
SUPERVISION_SECONDS = 20
"""A report that hangs, or kills its worker, ends by its lease: its own doing."""
KILLED_SECONDS = 10
"""After its time limit, a report that hangs."""
REFILL_SECONDS = 6
"""Until the pool has a new process for one that was killed."""

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
    busy = {queue: _busy(_held(queue, histories, entries, queue_of), SLOTS[queue])
            for queue in SLOTS}  # fmt: skip
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


def _held(
    queue: str,
    histories: dict[str, History],
    entries: dict[str, Entry],
    queue_of: dict[str, str],
) -> Iterator[Span]:
    """When each attempt held a slot of the queue's workers."""
    for task_id, history in histories.items():
        if queue_of[task_id] != queue:
            continue
        for move, following in zip(history, history[1:], strict=False):
            if move.is_claim:
                yield move.at, _released(move, following, entries.get(task_id))


def _released(claim: Move, following: Move, entry: Entry | None) -> float:
    if entry is not None and entry.wish.code == "timeout":
        killed = claim.at + entry.wish.seconds + KILLED_SECONDS + REFILL_SECONDS
        return max(following.at, killed)
    if entry is not None and entry.wish.deaths:
        return max(following.at, claim.at + REFILL_SECONDS)
    return following.at


def _busy(held: Iterable[Span], slots: int) -> list[Span]:
    """When that many slots were held."""
    steps = [step for begin, end in held for step in ((begin, 1), (end, -1))]
    spans, running, since = [], 0, 0.0
    for at, step in sorted(steps):
        was_full = running >= slots
        running += step
        is_full = running >= slots
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
