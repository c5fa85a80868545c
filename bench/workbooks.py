"""XLSX of 200,000 rows of ten columns: ours against XlsxWriter in `constant_memory`.

python -m bench.workbooks [--rows 200000] [--rounds 5]
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import network, peers_environment
from bench.options import Options, read_options
from bench.results import keep
from bench.rows import COLUMNS, rows
from bench.runs import Runs, Way, circumstances, interleaved, ratio, table
from bench.timing import Work

WANTED = """\
{rows:,} rows of texts, numbers, percents, dates and booleans, which are in memory before the
clock starts, into a file with a header that stays, widths, a filter and a format each column.
Processes of their own. XlsxWriter packs by zlib's level 6 and knows no other; ours by level 1.
“Level 1” is XlsxWriter with that level put into it, which none of its users does.
"""


def ours(path: str, count: int) -> Work:
    import django  # slow import, of the measured process alone

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


def ways(folder: Path, count: int) -> dict[str, Way]:
    python = peers_environment.python()
    peer = "bench.peers.xlsxwriter_rows:prepare"
    environment = network.environment(f"sqlite:///{folder / 'none.sqlite3'}")
    asked = {"path": str(folder / "a.xlsx"), "count": count}
    return {
        "ours": Way("bench.workbooks:ours", asked, environment=environment),
        "XlsxWriter": Way(peer, asked, python),
        "XlsxWriter, level 1": Way(peer, {**asked, "level": 1}, python),
    }


def sizes(runs: Runs) -> str:
    told = (f"{name} {of[0].answer / 1e6:.1f} MB" for name, of in runs.items())
    return f"Sizes: {', '.join(told)}."


def main(options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        runs = interleaved(ways(Path(folder), options.rows), options.rounds)
    text = [
        WANTED.format(rows=options.rows),
        circumstances(options, f"{options.rows:,} rows"),
        table(runs, "XlsxWriter"),
        sizes(runs),
    ]
    found = {"xlsx": ratio(runs["ours"], runs["XlsxWriter"])}
    keep("bench.workbooks", "\n\n".join(text), found, options)


if __name__ == "__main__":
    main(read_options(__doc__))
