"""XLSX of 200,000 rows and ten columns against XlsxWriter and rustpy-xlsxwriter.

python -m bench.workbooks [--rows 200000] [--rounds 5]
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import network, peers_environment
from bench.options import Options, read_options
from bench.results import save_section
from bench.rows import COLUMNS, rows
from bench.runs import Runs, Variant, describe_conditions, ratio, run_interleaved, table
from bench.timing import Work

DESCRIPTION = """\
{rows:,} rows of texts, numbers, percents, dates and booleans, in memory before the clock starts,
into a file with a frozen header, a filter, and widths and formats for each column. Each variant
has its own process. XlsxWriter always compresses with zlib's level 6; ours uses level 1.
“Level 1” is XlsxWriter patched to that level, which its users would not do. rustpy-xlsxwriter is a
writer in Rust; it gets dicts with floats, which are made before the clock starts although its users would have to make them
from the rows; its sheet has no page footer, and its decimals are binary fractions.
"""
OURS, XLSXWRITER, RUST = "ours", "XlsxWriter", "rustpy-xlsxwriter"


def ours(path: str, count: int) -> Work:
    import django  # imported late: slow, and needed in the measured process only

    django.setup()
    from django.utils import translation

    from tasks.formats.xlsx import Xlsx
    from tasks.rendering.columns import Column
    from tasks.rendering.table import Table

    cells: Iterator[Any] = iter(list(rows(count)))
    columns = [Column(name, name, kind) for name, kind in COLUMNS.items()]  # type: ignore[arg-type]
    translation.activate("pt-br")

    def work() -> Any:
        with open(path, "wb", buffering=1024 * 1024) as file:
            Xlsx().write_table(Table("Relatório", columns, cells), file)
        return lambda: Path(path).stat().st_size

    return work


def variants(folder: Path, count: int) -> dict[str, Variant]:
    python = peers_environment.python()
    peer = "bench.peers.xlsxwriter_rows:prepare"
    environment = network.environment(f"sqlite:///{folder / 'none.sqlite3'}")
    arguments = {"path": str(folder / "a.xlsx"), "count": count}
    return {
        OURS: Variant("bench.workbooks:ours", arguments, environment=environment),
        XLSXWRITER: Variant(peer, arguments, python),
        f"{XLSXWRITER}, level 1": Variant(peer, {**arguments, "level": 1}, python),
        RUST: Variant("bench.peers.rustpy_rows:prepare", arguments, python),
    }


def describe_sizes(runs: Runs) -> str:
    texts = (
        f"{name} {variant_runs[0].answer / 1e6:.1f} MB"
        for name, variant_runs in runs.items()
    )
    return f"Sizes: {', '.join(texts)}."


def main(options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        runs = run_interleaved(variants(Path(folder), options.rows), options.rounds)
    text = [
        DESCRIPTION.format(rows=options.rows),
        describe_conditions(options, f"{options.rows:,} rows"),
        table(runs, XLSXWRITER),
        describe_sizes(runs),
    ]
    goal_values = {
        "xlsx": ratio(runs[OURS], runs[XLSXWRITER]),
        "xlsx-rust": ratio(runs[OURS], runs[RUST], "cpu_seconds"),
    }
    save_section("bench.workbooks", "\n\n".join(text), goal_values, options)


if __name__ == "__main__":
    main(read_options(__doc__))
