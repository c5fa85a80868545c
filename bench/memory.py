"""What a worker's process holds at most while it makes a report of a whole network.

python -m bench.memory [--students 100000] [--rounds 5]
"""

import tempfile
from pathlib import Path

from bench import network
from bench.options import Options, read_options
from bench.results import keep
from bench.runs import Runs, Way, circumstances, interleaved, median, ratio

TENTH = 10
EXPORT = {"kind": "data_export", "parameters": {"table": "grades"}}
CARDS = {"kind": "report_card", "parameters": {"year": 2026}}
FORMATS = {"csv": EXPORT, "xlsx": EXPORT, "pdf": CARDS}
PAPER_ROUNDS = 1
"""A network's cards are 100,000 pages, and what they take is the same every time."""
WANTED = """\
In a process that has imported what a worker has, the report of a network and of one with a tenth of its students: all
its grades as CSV and XLSX, and all its report cards as PDF with two typesetters. RSS is the
process's own highest, “before” what its imports alone take; PSS that of the process with its children, added up every 50 ms, where what
several share is divided among them, strangers included: beside other workers and typesetters it is some MB less. The goals are of PSS. Medians; of PDF {rounds} round.
"""


def ways(url: str, folder: Path, *formats: str) -> dict[str, Way]:
    environment = {**network.environment(url), "PDF_PROCESSES": "2"}
    return {
        format: Way(
            "bench.engine:made",
            {**FORMATS[format], "format": format, "folder": str(folder)},
            environment=environment,
            is_watched=True,
        )
        for format in formats
    }


def measure(options: Options, folder: Path) -> dict[str, Runs]:
    """The runs of each size and database."""
    sizes = (options.students // TENTH, options.students)
    found: dict[str, Runs] = {}
    for students in sizes:
        with network.networks(students) as urls:
            for database, url in urls.items():
                own = ways(url, folder, "csv", "xlsx")
                runs = interleaved(own, options.rounds, warm=False)
                if database == "postgresql":
                    cards = ways(url, folder, "pdf")
                    runs |= interleaved(cards, PAPER_ROUNDS, warm=False)
                found[f"{students:,} students, {database}"] = runs
    return found


def report(found: dict[str, Runs]) -> str:
    lines = ["| of | format | rows | file | seconds | RSS before, MB | RSS MB | PSS MB |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for size, runs in found.items():
        for format, of_format in runs.items():
            answer = of_format[0].answer
            kinds = ("base_bytes", "resident_bytes", "peak_bytes")
            cells = " | ".join(f"{median(of_format, kind) / 1e6:.0f}" for kind in kinds)
            lines.append(
                f"| {size} | {format} | {answer['rows']:,} | {answer['bytes'] / 1e6:.0f} MB "
                f"| {median(of_format):.1f} | {cells} |"
            )
    return "\n".join(lines)


def measured(found: dict[str, Runs], students: int) -> dict[str, float]:
    small = found[f"{students // TENTH:,} students, postgresql"]
    large = found[f"{students:,} students, postgresql"]
    values = {}
    for format in large:
        values[f"memory-{format}"] = median(large[format], "peak_bytes") / 1e6
        growth = ratio(large[format], small[format], "peak_bytes")
        values[f"memory-{format}-growth"] = growth
    return values


def main(options: Options) -> None:
    network.DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=network.DATA) as folder:
        found = measure(options, Path(folder))
    text = [WANTED.format(rounds=PAPER_ROUNDS), circumstances(options), report(found)]
    keep("bench.memory", "\n\n".join(text), measured(found, options.students), options)


if __name__ == "__main__":
    main(read_options(__doc__))
