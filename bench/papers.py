"""PDF cards: ours by one and by two typesetters, against reportlab and WeasyPrint.

    python -m bench.papers [--students 100000] [--rounds 5]

All draw the same cards of 1,000 pupils: what ours hands to the typesetter, as plain text.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import network, peers_environment
from bench.options import Options, read_options
from bench.results import keep
from bench.runs import Runs, Way, circumstances, interleaved, median, ratio, table
from bench.timing import Work

CARDS = 1000
ROWS_A_CARD = 10
MOMENT = "2026-11-26T10:00:00-04:00"


def ours(path: str, cards: int) -> Work:
    """From the report's rows, which are in memory, to the file."""
    made = _table(cards)
    from tasks.formats.pdf import Pdf

    def work() -> Any:
        with open(path, "w+b", buffering=1024 * 1024) as file:
            Pdf().write_table(made, file)
        return lambda: Path(path).stat().st_size

    return work


def drawn_up(path: str, cards: int) -> Work:
    """Write what stands on each card into a file, for the peers."""
    made = _table(cards)
    from tasks.rendering.pdf.layout import PdfLayout

    def work() -> None:
        documents = list(PdfLayout(made).documents())
        Path(path).write_text(json.dumps(list(_cards(documents))))

    return work


def _table(cards: int) -> Any:
    """The cards of the first classes of the network, their rows read."""
    import django  # slow import, of the measured process alone

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
    about = Letterhead(
        network="Rede Municipal de Ensino de Serra do Encanto",
        school="Escola Municipal Prof. Antônio Conceição",
        requested_by="secretaria",
        issued_at=datetime.fromisoformat(MOMENT),
        data_as_of=datetime.fromisoformat(MOMENT),
        rules=report.rules(),
    )
    read = list(report.rows())[: cards * ROWS_A_CARD]
    return Table(str(report.title), report.columns(), iter(read), about, report.layout)


def _cards(documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each card with all that stands on it."""
    shared = (
        "network",
        "school",
        "title",
        "facts",
        "columns",
        "signatures",
        "page_label",
    )
    for document in documents:
        for part in document["sections"]:
            yield _plain({**{key: document[key] for key in shared}, **part})


def _plain(value: Any) -> Any:
    """As lists, which JSON has. No word of the demo is so long that it comes in pieces."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


ONE, TWO = "ours, one core", "ours, two children"
SERIAL, REPORTLAB, WEASYPRINT = "ours, one child", "reportlab", "WeasyPrint"
FEW = 100
"""Cards that WeasyPrint draws: it takes so long, and as long for each."""
WANTED = """\
A4 cards of {cards:,} pupils ({few} by WeasyPrint, whose time grows with them): letterhead, whom it is of, ten subjects × four
terms with mean, recovery, final mean and result, absences, attendance, situation and its reasons, a bar chart,
signatures, page x of y, and the same DejaVu fonts embedded. Ours begins with the report's rows in
memory, the peers with the cards' texts. Ours are tagged (PDF/UA-1) and bound from pieces, the peers' are
not tagged. Seconds are of the whole file, without the imports; CPU seconds with those of the typesetters.
“One core” and the peers are bound to one processor; “children” are `PDF_PROCESSES`, on all of them.
"""


def ways(url: str, folder: Path, cards: int) -> dict[str, Way]:
    one_core = {min(os.sched_getaffinity(0))}
    texts = folder / "cards.json"
    environment = network.environment(url)
    asked = {"path": str(folder / "a.pdf"), "cards": cards}
    Way(
        "bench.papers:drawn_up", {**asked, "path": str(texts)}, environment=environment
    )()

    def own(children: int, cores: set[int] | None = None) -> Way:
        with_children = {**environment, "PDF_PROCESSES": str(children)}
        return Way("bench.papers:ours", asked, sys.executable, with_children, cores)

    def peer(name: str, count: int) -> Way:
        return Way(
            f"bench.peers.{name}_cards:prepare",
            {"path": asked["path"], "cards": str(texts), "count": count},
            peers_environment.python(),
            cores=one_core,
        )

    found = {
        ONE: own(1, one_core),
        SERIAL: own(1),
        TWO: own(2),
        REPORTLAB: peer("reportlab", cards),
    }
    if not peers_environment.why_missing("weasyprint"):
        found[WEASYPRINT] = peer("weasyprint", min(FEW, cards))
    return found


def measured(runs: Runs, cards: int) -> dict[str, float]:
    found = {
        "pdf-reportlab-1": ratio(runs[ONE], runs[REPORTLAB]),
        "pdf-reportlab-2": ratio(runs[TWO], runs[REPORTLAB]),
        "pdf-two": ratio(runs[SERIAL], runs[TWO]),
    }
    if WEASYPRINT in runs:
        a_page = min(FEW, cards) / cards
        found["pdf-weasyprint"] = ratio(runs[ONE], runs[WEASYPRINT]) * a_page
    return found


def pages(runs: Runs, cards: int) -> str:
    """What a page takes by each way, and how large it is."""
    lines = [
        "| way | ms a page | CPU ms a page | of these in children | kB a page |",
        "|---|---|---|---|---|",
    ]
    for name, of_way in runs.items():
        count = min(FEW, cards) if name == WEASYPRINT else cards
        times = ("seconds", "cpu_seconds", "children_seconds")
        cells = [f"{1000 * median(of_way, time) / count:.2f}" for time in times]
        size = of_way[0].answer / count / 1000
        lines.append(f"| {name} | {' | '.join(cells)} | {size:.1f} |")
    return "\n".join(lines)


def main(options: Options) -> None:
    cards = min(CARDS, options.students // 2)
    with (
        network.networks(options.students, "sqlite") as urls,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
    ):
        runs = interleaved(ways(urls["sqlite"], Path(folder), cards), options.rounds)
    text = [
        WANTED.format(cards=cards, few=min(FEW, cards)),
        circumstances(options),
        pages(runs, cards),
        table(runs, REPORTLAB),
    ]
    if missing := peers_environment.why_missing("weasyprint"):
        text.append(
            "WeasyPrint was not measured: it needs Pango of the system "
            f"(Debian: libpango-1.0-0, libpangoft2-1.0-0). {missing}"
        )
    keep("bench.papers", "\n\n".join(text), measured(runs, cards), options)


if __name__ == "__main__":
    main(read_options(__doc__))
