"""What every kind of report takes of the demo, and of networks of ten and a hundred times its size.

python -m bench.sizes [--students 100000]
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import network
from bench.options import Options, read_options
from bench.results import keep
from bench.runs import Run, Way, circumstances

TIMES = (100, 10, 1)
"""By how much the sizes are smaller than the students asked for."""
LONG = 20
"""Seconds; of what takes longer, nothing ten times the size is made here."""
FORMATS = ("csv", "xlsx", "pdf", "zip")
PARAMETERS = {"data_export": {"table": "grades"}}
OF_THE_YEAR = {"year": 2026}
WANTED = """\
Each report of the whole network, made once on PostgreSQL in a process that has imported what a worker has, from its queries to the
file on the disk: seconds, and the most that the process held with its two typesetters (PSS, MB). “–” is what
was not made here because a network of a tenth took over {long} s: `bench.memory` and `bench.network_zip`
make the cards of the largest.
"""
Found = dict[tuple[str, str], dict[int, Run]]
"""By kind and format, and then by students."""


def wanted() -> list[tuple[str, str]]:
    """The kinds, each with the formats that it has."""
    import django  # slow import, and nothing else here needs it

    django.setup()
    from tasks.reporting import registry

    return [
        (kind, format)
        for kind, report in registry.report_classes().items()
        for format in FORMATS
        if format in report.formats
    ]


def made(kind: str, format: str, url: str, folder: Path) -> Run:
    arguments: dict[str, Any] = {
        "kind": kind,
        "parameters": PARAMETERS.get(kind, OF_THE_YEAR),
        "format": format,
        "folder": str(folder),
    }
    environment = {**network.environment(url), "PDF_PROCESSES": "2"}
    return Way(
        "bench.engine:made", arguments, environment=environment, is_watched=True
    )()


def measure(students: int, folder: Path) -> Found:
    found: Found = {pair: {} for pair in wanted()}
    for size in (students // times for times in TIMES):
        with network.networks(size, "postgresql") as urls:
            for pair, runs in found.items():
                smaller = list(runs.values())[-1:]
                if all(run.seconds <= LONG for run in smaller):
                    runs[size] = made(*pair, urls["postgresql"], folder)
    return found


def report(found: Found, students: int) -> str:
    sizes = [students // times for times in TIMES]
    lines = [
        "| kind | format | " + " | ".join(f"{size:,}: rows | s | MB" for size in sizes) + " |",
        "|---|---|" + "---|---|---|" * len(sizes),
    ]  # fmt: skip
    for (kind, format), runs in found.items():
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
        found = measure(options.students, Path(folder))
    table = report(found, options.students)
    text = [WANTED.format(long=LONG), circumstances(replace(options, rounds=1)), table]
    keep("bench.sizes", "\n\n".join(text), {}, options)


if __name__ == "__main__":
    main(read_options(__doc__))
