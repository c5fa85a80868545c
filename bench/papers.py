"""PDF report cards with one and two typesetters, against reportlab and WeasyPrint.

    python -m bench.papers [--students 100000] [--rounds 5]

All draw the same 1,000 cards; the peers get the typesetter's input as plain text.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import network, peers_environment
from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import (
    Runs,
    Variant,
    describe_conditions,
    median,
    ratio,
    run_interleaved,
    table,
)
from bench.timing import Work

if TYPE_CHECKING:
    from tasks.rendering.table import Table

CARDS = 1000
ROWS_A_CARD = 10
ISSUED_AT = "2026-11-26T10:00:00-04:00"


def ours(path: str, cards: int) -> Work:
    """Prepare the rows in memory; the work writes them as a PDF."""
    cards_table = _table(cards)
    from tasks.formats.pdf import Pdf

    def work() -> Any:
        with open(path, "w+b", buffering=1024 * 1024) as file:
            Pdf().write_table(cards_table, file)
        return lambda: Path(path).stat().st_size

    return work


def write_cards(path: str, cards: int) -> Work:
    """Write the content of each card to a file, for the peers."""
    cards_table = _table(cards)
    from tasks.rendering.pdf.layout import PdfLayout

    def work() -> None:
        documents = list(PdfLayout(cards_table).documents())
        Path(path).write_text(json.dumps(list(_cards(documents))))

    return work


def _table(cards: int) -> "Table":
    """Return the cards of the network's first classes, with their rows in memory."""
    import django  # imported late: slow, and needed in the measured process only

    django.setup()
    from django.utils import translation

    from school.models import Enrolment
    from tasks.rendering.table import Letterhead, Table
    from tasks.reporting.student_report import StudentParameters
    from tasks.reports.report_card import ReportCard

    translation.activate("pt-br")
    classes = 1 + cards // 25
    enrolments = Enrolment.objects.filter(school_class_id__lte=classes)
    report = ReportCard(StudentParameters(year=2026), enrolments)
    letterhead = Letterhead(
        network="Rede Municipal de Ensino de Serra do Encanto",
        school="Escola Municipal Prof. Antônio Conceição",
        requested_by="secretaria",
        issued_at=datetime.fromisoformat(ISSUED_AT),
        data_as_of=datetime.fromisoformat(ISSUED_AT),
        rules=report.rules(),
    )
    rows = list(report.rows())[: cards * ROWS_A_CARD]
    table = Table(
        str(report.title), report.columns(), iter(rows), letterhead, report.layout
    )
    return table.for_audience("people")


def _cards(documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the complete content of each card."""
    shared_keys = (
        "network",
        "school",
        "title",
        "facts",
        "columns",
        "signatures",
        "page_label",
    )
    for document in documents:
        for section in document["sections"]:
            yield _plain({**{key: document[key] for key in shared_keys}, **section})


def _plain(value: Any) -> Any:
    """Convert tuples to lists for JSON; no word of the demo is long enough to be split."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return (
        [_plain(item) for item in value] if isinstance(value, list | tuple) else value
    )


ONE, TWO = "ours, one core", "ours, two children"
SERIAL, REPORTLAB, WEASYPRINT = "ours, one child", "reportlab", "WeasyPrint"
WEASYPRINT_CARDS = 100
"""Cards drawn by WeasyPrint, which is slow; its time is proportional to their number."""
DESCRIPTION = """\
A4 cards of {cards:,} pupils ({few} by WeasyPrint, whose time is proportional): letterhead, student's identity, ten subjects × four
terms with mean, recovery, final mean and result, absences, attendance, situation and its reasons, a bar chart,
signatures, page x of y, and the same DejaVu fonts embedded. Ours starts with the report's rows in
memory, the peers with the cards' texts. Our files are tagged (PDF/UA-1) and merged from parts, the peers' are
not tagged. Seconds are for the whole file, without imports; CPU seconds include the typesetters.
“One core” and the peers are pinned to one processor; “children” are `PDF_PROCESSES`, on all processors.
"""

NOTE = """\
According to `callgrind`, a page takes 50 million instructions of the typesetter: a fifth each for the table of grades, for
the labelled values and the other grids, and for writing the PDF with its tags, a seventh for evaluating the template, and an eighth for the
chart. It took 61 million while typst measured each row before laying it out (8 million), and laid all blocks out again
once the page numbers were known (3 million). Page faults took another tenth of the CPU time, while the memory came in small pages.
Documents of eight pages instead of six would save a tenth of the children's time, but take 5 MB more, which the
goal of a worker's memory does not leave. If the widths of the labels were known beforehand, 1 million would be saved.
"""
"""Profile and alternatives, measured by hand on 2026-11-30."""


def variants(url: str, folder: Path, cards: int) -> dict[str, Variant]:
    one_core = {min(os.sched_getaffinity(0))}
    texts = folder / "cards.json"
    environment = network.environment(url)
    arguments = {"path": str(folder / "a.pdf"), "cards": cards}
    Variant(
        "bench.papers:write_cards",
        {**arguments, "path": str(texts)},
        environment=environment,
    )()

    def own(children: int, cores: set[int] | None = None) -> Variant:
        child_environment = {**environment, "PDF_PROCESSES": str(children)}
        return Variant(
            "bench.papers:ours", arguments, sys.executable, child_environment, cores
        )

    def peer(name: str, count: int) -> Variant:
        return Variant(
            f"bench.peers.{name}_cards:prepare",
            {"path": arguments["path"], "cards": str(texts), "count": count},
            peers_environment.python(),
            cores=one_core,
        )

    variants_by_name = {
        ONE: own(1, one_core),
        SERIAL: own(1),
        TWO: own(2),
        REPORTLAB: peer("reportlab", cards),
    }
    if not peers_environment.import_error("weasyprint"):
        variants_by_name[WEASYPRINT] = peer("weasyprint", min(WEASYPRINT_CARDS, cards))
    return variants_by_name


def goal_values(runs: Runs, cards: int) -> dict[str, float]:
    values = {
        "pdf-reportlab-1": ratio(runs[ONE], runs[REPORTLAB]),
        "pdf-reportlab-2": ratio(runs[TWO], runs[REPORTLAB]),
        "pdf-two": ratio(runs[SERIAL], runs[TWO]),
    }
    if WEASYPRINT in runs:
        scale = min(WEASYPRINT_CARDS, cards) / cards
        values["pdf-weasyprint"] = ratio(runs[ONE], runs[WEASYPRINT]) * scale
    return values


def page_table(runs: Runs, cards: int) -> str:
    """Return a table of time and size per page for each variant."""
    lines = [
        "| variant | ms per page | CPU ms per page | of these in children | kB per page |",
        "|---|---|---|---|---|",
    ]
    for name, variant_runs in runs.items():
        count = min(WEASYPRINT_CARDS, cards) if name == WEASYPRINT else cards
        times = ("seconds", "cpu_seconds", "children_seconds")
        cells = [f"{1000 * median(variant_runs, time) / count:.2f}" for time in times]
        size = variant_runs[0].answer / count / 1000
        lines.append(f"| {name} | {' | '.join(cells)} | {size:.1f} |")
    return "\n".join(lines)


def main(options: Options) -> None:
    cards = min(CARDS, options.students // 2)
    with (
        network.datasets(options.students, "sqlite") as urls,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
    ):
        runs = run_interleaved(
            variants(urls["sqlite"], Path(folder), cards), options.rounds
        )
    text = [
        DESCRIPTION.format(cards=cards, few=min(WEASYPRINT_CARDS, cards)),
        describe_conditions(options),
        page_table(runs, cards),
        table(runs, REPORTLAB),
    ]
    text.append(NOTE)
    if missing := peers_environment.import_error("weasyprint"):
        text.append(
            "WeasyPrint was not measured: it needs Pango of the system "
            f"(Debian: libpango-1.0-0, libpangoft2-1.0-0). {missing}"
        )
    save_section("bench.papers", "\n\n".join(text), goal_values(runs, cards), options)


if __name__ == "__main__":
    main(read_options(__doc__))
