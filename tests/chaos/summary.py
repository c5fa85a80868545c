"""The verdict as people read it."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.chaos.checks import Verdict, clock
from tests.chaos.faults import FAULTS
from tests.chaos.http_calls import NO_ANSWER, Answer
from tests.chaos.ledger import Ledger
from tests.chaos.recovery import percentile
from tests.chaos.schedule import Blow

CULPRITS_SHOWN = 20
AROUND_SECONDS = 5


def show(console: Console, verdict: Verdict, ledger: Ledger) -> None:
    console.print(_summary(verdict, ledger))
    console.print(_by_fault(verdict))
    for promise, culprits in verdict.broken.items():
        for culprit, why in list(culprits.items())[:CULPRITS_SHOWN]:
            console.print(f"\n[bold red]{promise}[/]: {culprit}: {why}", soft_wrap=True)
            for line in _story(verdict, culprit):
                console.print(f"    {line}", soft_wrap=True, highlight=False)
    for blow in verdict.blows:
        if blow.error:
            console.print(f"\n{blow} did not work:\n{blow.error}", markup=False)


def _summary(verdict: Verdict, ledger: Ledger) -> Table:
    table = Table("", "", title="The chaos run", show_header=False)
    table.add_row("accepted", str(len(ledger.entries)))
    unanswered = sum(verdict.states.values()) - len(ledger.entries)
    table.add_row("made without an answer heard", str(unanswered))
    for state, count in sorted(verdict.states.items()):
        table.add_row(f"  {state}", str(count))
    for promise, culprits in verdict.broken.items():
        style = "bold red" if culprits else "green"
        table.add_row(promise, f"[{style}]{len(culprits)}[/]")
    seconds = [wait.seconds for wait in verdict.waits]
    table.add_row("recovery p50 / p95 / max", _spread(seconds))
    table.add_row("faults", str(len(verdict.blows)))
    statuses = sorted(ledger.statuses().items())
    said = ", ".join(f"{status or 'none'}: {n}" for status, n in statuses)
    table.add_row("answers to asking", said)
    for name, answers in _answers(verdict, ledger):
        table.add_row(f"{name} p50 / p95 / max", _spread(answers))
    return table


def _answers(verdict: Verdict, ledger: Ledger) -> Iterable[tuple[str, list[float]]]:
    for name, answers in (("ask", ledger.submits), ("poll", ledger.polls)):
        heard = [answer for answer in answers if answer.status != NO_ANSWER]
        yield name, [answer.seconds for answer in heard]
        for part in ("redis", "database"):
            during = [
                answer.seconds for answer in heard if _is_in(answer, part, verdict)
            ]
            if during:
                yield f"{name}, {part} faulty", during


def _is_in(answer: Answer, part: str, verdict: Verdict) -> bool:
    return any(
        blow.fault.part == part and blow.overlaps(answer.at, answer.at + answer.seconds)
        for blow in verdict.blows
    )


def _by_fault(verdict: Verdict) -> Table:
    table = Table("fault", "times", "hit", "p95", "worst", "bound")
    for name, fault in FAULTS.items():
        blows = [blow for blow in verdict.blows if blow.fault.name == name]
        if blows:
            waits = [wait for blow in blows for wait in blow.waits]
            table.add_row(name, str(len(blows)), str(len(waits)),
                          f"{percentile(waits, 0.95):.1f} s",
                          f"{max(waits, default=0.0):.1f} s", f"{fault.bound} s")  # fmt: skip
    return table


def _spread(seconds: list[float]) -> str:
    shares = [percentile(seconds, 0.5), percentile(seconds, 0.95), max(seconds, default=0.0)]  # fmt: skip
    return " / ".join(f"{value:.2f} s" for value in shares) + f"  (of {len(seconds)})"


def _story(verdict: Verdict, task_id: str) -> list[str]:
    """What happened to the task, and the faults around it, in order."""
    history = verdict.histories.get(task_id, [])
    if not history:
        return []
    begin, end = history[0].at - AROUND_SECONDS, history[-1].at + AROUND_SECONDS
    events = [(move.at, str(move)) for move in history]
    for blow in verdict.blows:
        if blow.overlaps(begin, end):
            events += _edges(blow)
    return [f"{clock(at)}  {what}" for at, what in sorted(events)]


def _edges(blow: Blow) -> list[tuple[float, str]]:
    return [
        (blow.began, f"· {blow.fault.name} strikes"),
        (blow.healed, f"· {blow.fault.name} is healed"),
    ]
