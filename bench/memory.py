"""Peak memory of a worker process during a report of a whole network.

python -m bench.memory [--students 100000] [--rounds 5]
"""

import tempfile
from pathlib import Path

from bench import network
from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import (
    Runs,
    Variant,
    describe_conditions,
    median,
    ratio,
    run_interleaved,
)

TENTH = 10
EXPORT = {"kind": "data_export", "parameters": {"table": "grades"}}
CARDS = {"kind": "report_card", "parameters": {"year": 2026}}
FORMATS = {"csv": EXPORT, "xlsx": EXPORT, "pdf": CARDS}
PDF_ROUNDS = 1
"""Rounds of the PDF: it has 100,000 pages, and its memory does not vary between rounds."""
DESCRIPTION = """\
In a process with a worker's imports, the report of a network and of one with a tenth of its students: all
its grades as CSV and XLSX, and all its report cards as PDF with two typesetters. RSS is the
peak of the process itself, “before” the memory of its imports alone; PSS is the peak of the process with its children, sampled every 50 ms, in which
shared pages are divided among all processes that map them: beside other workers and typesetters it is some MB lower. The goals apply to PSS. Medians; {rounds} round of PDF.
"""


def variants(url: str, folder: Path, *formats: str) -> dict[str, Variant]:
    environment = {**network.environment(url), "PDF_PROCESSES": "2"}
    return {
        format: Variant(
            "bench.engine:prepare_report",
            {**FORMATS[format], "format": format, "folder": str(folder)},
            environment=environment,
            samples_memory=True,
        )
        for format in formats
    }


def measure(options: Options, folder: Path) -> dict[str, Runs]:
    """Return the runs of each size and database."""
    sizes = (options.students // TENTH, options.students)
    runs_by_size: dict[str, Runs] = {}
    for students in sizes:
        with network.datasets(students) as urls:
            for database, url in urls.items():
                own_variants = variants(url, folder, "csv", "xlsx")
                runs = run_interleaved(own_variants, options.rounds, warm=False)
                if database == "postgresql":
                    cards = variants(url, folder, "pdf")
                    runs |= run_interleaved(cards, PDF_ROUNDS, warm=False)
                runs_by_size[f"{students:,} students, {database}"] = runs
    return runs_by_size


def result_table(runs_by_size: dict[str, Runs]) -> str:
    lines = ["| of | format | rows | file | seconds | RSS before, MB | RSS MB | PSS MB |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for size, runs in runs_by_size.items():
        for format, format_runs in runs.items():
            answer = format_runs[0].answer
            kinds = ("base_bytes", "resident_bytes", "peak_bytes")
            cells = " | ".join(
                f"{median(format_runs, kind) / 1e6:.0f}" for kind in kinds
            )
            lines.append(
                f"| {size} | {format} | {answer['rows']:,} | {answer['bytes'] / 1e6:.0f} MB "
                f"| {median(format_runs):.1f} | {cells} |"
            )
    return "\n".join(lines)


def goal_values(runs_by_size: dict[str, Runs], students: int) -> dict[str, float]:
    small = runs_by_size[f"{students // TENTH:,} students, postgresql"]
    large = runs_by_size[f"{students:,} students, postgresql"]
    values = {}
    for format in large:
        values[f"memory-{format}"] = median(large[format], "peak_bytes") / 1e6
        growth = ratio(large[format], small[format], "peak_bytes")
        values[f"memory-{format}-growth"] = growth
    return values


def main(options: Options) -> None:
    network.DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=network.DATA) as folder:
        runs_by_size = measure(options, Path(folder))
    text = [
        DESCRIPTION.format(rounds=PDF_ROUNDS),
        describe_conditions(options),
        result_table(runs_by_size),
    ]
    save_section(
        "bench.memory",
        "\n\n".join(text),
        goal_values(runs_by_size, options.students),
        options,
    )


if __name__ == "__main__":
    main(read_options(__doc__))
