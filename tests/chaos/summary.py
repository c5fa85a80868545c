"""Console summary of a chaos run."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.chaos.checks import ChaosResult, format_time
from tests.chaos.faults import FAULTS
from tests.chaos.http_calls import NO_RESPONSE, Response
from tests.chaos.ledger import Ledger
from tests.chaos.recovery import percentile
from tests.chaos.schedule import Injection

MAX_LISTED_VIOLATIONS = 20
CONTEXT_SECONDS = 5


def print_summary(console: Console, result: ChaosResult, ledger: Ledger) -> None:
    console.print(_totals_table(result, ledger))
    console.print(_faults_table(result))
    for invariant, violations in result.violations.items():
        for subject, reason in list(violations.items())[:MAX_LISTED_VIOLATIONS]:
            console.print(
                f"\n[bold red]{invariant}[/]: {subject}: {reason}", soft_wrap=True
            )
            for line in _timeline(result, subject):
                console.print(f"    {line}", soft_wrap=True, highlight=False)
    for injection in result.injections:
        if injection.error:
            console.print(f"\n{injection} failed:\n{injection.error}", markup=False)


def _totals_table(result: ChaosResult, ledger: Ledger) -> Table:
    table = Table("", "", title="Chaos run", show_header=False)
    table.add_row("accepted", str(len(ledger.entries)))
    unanswered_count = sum(result.state_counts.values()) - len(ledger.entries)
    table.add_row("created, response lost", str(unanswered_count))
    for state, count in sorted(result.state_counts.items()):
        table.add_row(f"  {state}", str(count))
    for invariant, violations in result.violations.items():
        style = "bold red" if violations else "green"
        table.add_row(invariant, f"[{style}]{len(violations)}[/]")
    seconds = [recovery.seconds for recovery in result.recoveries]
    table.add_row("recovery p50 / p95 / max", _format_percentiles(seconds))
    table.add_row("faults", str(len(result.injections)))
    statuses = sorted(ledger.submit_statuses().items())
    statuses_text = ", ".join(f"{status or 'none'}: {n}" for status, n in statuses)
    table.add_row("statuses of submissions", statuses_text)
    for name, seconds_list in _response_times(result, ledger):
        table.add_row(f"{name} p50 / p95 / max", _format_percentiles(seconds_list))
    return table


def _response_times(
    result: ChaosResult, ledger: Ledger
) -> Iterable[tuple[str, list[float]]]:
    for name, responses in (
        ("submit", ledger.submit_responses),
        ("poll", ledger.poll_responses),
    ):
        completed_responses = [
            response for response in responses if response.status != NO_RESPONSE
        ]
        yield name, [response.seconds for response in completed_responses]
        for component in ("redis", "database"):
            during = [
                response.seconds
                for response in completed_responses
                if _is_during(response, component, result)
            ]
            if during:
                yield f"{name}, {component} faulty", during


def _is_during(response: Response, component: str, result: ChaosResult) -> bool:
    return any(
        injection.fault.component == component
        and injection.overlaps(response.sent_at, response.sent_at + response.seconds)
        for injection in result.injections
    )


def _faults_table(result: ChaosResult) -> Table:
    table = Table("fault", "times", "hit", "p95", "worst", "bound")
    for name, fault in FAULTS.items():
        injections = [
            injection for injection in result.injections if injection.fault.name == name
        ]
        if injections:
            waits = [
                seconds
                for injection in injections
                for seconds in injection.recovery_seconds
            ]
            table.add_row(name, str(len(injections)), str(len(waits)),
                          f"{percentile(waits, 0.95):.1f} s",
                          f"{max(waits, default=0.0):.1f} s", f"{fault.max_recovery_seconds} s")  # fmt: skip
    return table


def _format_percentiles(seconds: list[float]) -> str:
    shares = [percentile(seconds, 0.5), percentile(seconds, 0.95), max(seconds, default=0.0)]  # fmt: skip
    return " / ".join(f"{value:.2f} s" for value in shares) + f"  (of {len(seconds)})"


def _timeline(result: ChaosResult, task_id: str) -> list[str]:
    """Return the task's transitions and the faults around them, in order of time."""
    history = result.histories.get(task_id, [])
    if not history:
        return []
    begin, end = (
        history[0].recorded_at - CONTEXT_SECONDS,
        history[-1].recorded_at + CONTEXT_SECONDS,
    )
    events = [(transition.recorded_at, str(transition)) for transition in history]
    for injection in result.injections:
        if injection.overlaps(begin, end):
            events += _boundary_events(injection)
    return [f"{format_time(at)}  {text}" for at, text in sorted(events)]


def _boundary_events(injection: Injection) -> list[tuple[float, str]]:
    return [
        (injection.started_at, f"· {injection.fault.name} starts"),
        (injection.healed_at, f"· {injection.fault.name} is healed"),
    ]
