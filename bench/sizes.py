"""Time and memory of every kind of report, at the demo's size and at 10 and 100 times it.

python -m bench.sizes [--students 100000]
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import network
from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import Run, Variant, describe_conditions

DIVISORS = (100, 10, 1)
"""Divisors of `--students` that give the measured sizes."""
MAX_SECONDS = 20
"""Limit for one run; a report that takes longer is not repeated at ten times the size."""
FORMATS = ("csv", "xlsx", "pdf", "zip")
PARAMETERS = {"data_export": {"table": "grades"}}
DEFAULT_PARAMETERS = {"year": 2026}
DESCRIPTION = """\
Each report of the whole network, made once on PostgreSQL in a process with a worker's imports, from its queries to the
file on disk: seconds, and the peak memory of the process with its two typesetters (PSS, MB). “–” marks reports
that were skipped because a tenth of the network took over {long} s: `bench.memory` and `bench.network_zip`
measure the cards of the largest network.
"""
RunsByReport = dict[tuple[str, str], dict[int, Run]]
"""Runs by (kind, format), then by number of students."""


def list_reports() -> list[tuple[str, str]]:
    """Return all pairs of kind and format."""
    import django  # imported late: slow, and needed here only

    django.setup()
    from tasks.reporting import registry

    return [
        (kind, format)
        for kind, report in registry.report_classes().items()
        for format in FORMATS
        if format in report.formats
    ]


def run_report(kind: str, format: str, url: str, folder: Path) -> Run:
    arguments: dict[str, Any] = {
        "kind": kind,
        "parameters": PARAMETERS.get(kind, DEFAULT_PARAMETERS),
        "format": format,
        "folder": str(folder),
    }
    environment = {**network.environment(url), "PDF_PROCESSES": "2"}
    return Variant(
        "bench.engine:prepare_report",
        arguments,
        environment=environment,
        samples_memory=True,
    )()


def measure(students: int, folder: Path) -> RunsByReport:
    runs_by_report: RunsByReport = {pair: {} for pair in list_reports()}
    for size in (students // divisor for divisor in DIVISORS):
        with network.datasets(size, "postgresql") as urls:
            for pair, runs in runs_by_report.items():
                last_runs = list(runs.values())[-1:]
                if all(run.seconds <= MAX_SECONDS for run in last_runs):
                    runs[size] = run_report(*pair, urls["postgresql"], folder)
    return runs_by_report


def result_table(runs_by_report: RunsByReport, students: int) -> str:
    sizes = [students // divisor for divisor in DIVISORS]
    lines = [
        "| kind | format | " + " | ".join(f"{size:,}: rows | s | MB" for size in sizes) + " |",
        "|---|---|" + "---|---|---|" * len(sizes),
    ]  # fmt: skip
    for (kind, format), runs in runs_by_report.items():
        cells = [_cells(runs.get(size)) for size in sizes]
        lines.append(f"| {kind} | {format} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cells(run: Run | None) -> str:
    if run is None:
        return "– | – | –"
    return f"{run.answer['rows']:,} | {run.seconds:.1f} | {run.peak_bytes / 1e6:.0f}"


def main(options: Options) -> None:
    network.DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=network.DATA) as folder:
        runs_by_report = measure(options.students, Path(folder))
    table = result_table(runs_by_report, options.students)
    text = [
        DESCRIPTION.format(long=MAX_SECONDS),
        describe_conditions(replace(options, rounds=1)),
        table,
    ]
    save_section("bench.sizes", "\n\n".join(text), {}, options)


if __name__ == "__main__":
    main(read_options(__doc__))
