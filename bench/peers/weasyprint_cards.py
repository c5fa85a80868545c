"""Report cards drawn with WeasyPrint: HTML and a style sheet."""

import json
from html import escape
from pathlib import Path
from typing import Any

from weasyprint import HTML

from bench.timing import Work

FONTS = Path(__file__).parent.parent.parent / "tasks" / "rendering" / "pdf" / "fonts"
MAX_INLINE_LENGTH = 55
STYLE = f"""
@font-face {{ font-family: Card; src: url(file://{FONTS}/DejaVuSansCondensed.ttf) }}
@font-face {{ font-family: Card; font-weight: bold;
  src: url(file://{FONTS}/DejaVuSansCondensed-Bold.ttf) }}
@page {{ size: A4; margin: 13mm 14mm 17mm;
  @bottom-left {{ content: string(name); font: 7pt Card; color: #5a5a5a }}
  @bottom-right {{ content: string(page); font: 7pt Card; color: #5a5a5a }} }}
body {{ font: 8.5pt/1.25 Card; margin: 0 }}
section {{ break-after: page; string-set: name attr(data-name), page attr(data-page) }}
header {{ font-size: 10pt; border-bottom: 0.8pt solid #1f3a5f; padding-bottom: 5pt }}
header b {{ font-size: 10.5pt }}
h1 {{ font-size: 12pt; color: #1f3a5f; margin: 9pt 0 6pt }}
.facts {{ font-size: 7pt; color: #5a5a5a; margin: 0 0 8pt }}
.pairs {{ width: 100%; margin: 6pt 0 }}
.pairs td {{ font-weight: bold; vertical-align: top; padding: 1.5pt 0 }}
.pairs td.label {{ font-weight: normal; color: #5a5a5a; width: 16% }}
.pairs td.long {{ font-weight: normal }}
.grades {{ width: 100%; border-collapse: collapse; border-bottom: 0.6pt solid #1f3a5f }}
.grades th {{ background: #1f3a5f; color: white; font-size: 7.6pt; vertical-align: bottom }}
.grades td, .grades th {{ padding: 3pt 2.5pt; text-align: left }}
.grades td.figure, .grades th.figure {{ text-align: center }}
.grades tr:nth-child(even) td {{ background: #f2f2f2 }}
.chart {{ position: relative; height: 26mm; border-bottom: 0.6pt solid #5a5a5a; margin: 9pt 0 24pt }}
.chart .bar {{ position: absolute; bottom: 0; width: 21pt; background: #1f3a5f }}
.chart span {{ position: absolute; text-align: center; font-size: 5.5pt }}
.chart span.label {{ font-size: 6.5pt; top: 27mm }}
.title {{ font-size: 7pt; font-weight: bold; margin: 6pt 0 0 }}
.signed {{ width: 100%; margin-top: 14mm; border-spacing: 8mm 0 }}
.signed td {{ border-top: 0.5pt solid black; text-align: center; font-size: 7.5pt }}
"""


def prepare(path: str, cards: str, count: int) -> Work:
    card_data = json.loads(Path(cards).read_text())[:count]

    def work() -> Any:
        sections = "".join(map(_section, card_data))
        title = escape(card_data[0]["title"])
        page = f"<title>{title}</title><style>{STYLE}</style><body>{sections}"
        HTML(string=page).write_pdf(path)
        return lambda: Path(path).stat().st_size

    return work


def _section(card: dict[str, Any]) -> str:
    page = card["page_label"].replace("{number}", "1").replace("{total}", "1")
    charts = "".join(map(_chart, card["charts"]))
    signatures = "".join(
        f"<td>{escape(signatory)}</td>" for signatory in card["signatures"]
    )
    return (
        f'<section data-name="{escape(card["name"])}" data-page="{escape(page)}">'
        f"<header><b>{escape(card['network'])}</b><br>{escape(card['school'])}</header>"
        f"<h1>{escape(card['title'])}</h1>"
        f'<p class="facts">{escape(" · ".join(card["facts"]))}</p>'
        f"{_pairs(card['heading'])}{_grades(card)}{_pairs(card['section_footer'])}{charts}"
        f'<table class="signed"><tr>{signatures}</tr></table></section>'
    )


def _pairs(pairs: list[list[str]]) -> str:
    """Return a table with two pairs per line; a long value gets its own line."""
    rows: list[str] = []
    is_half = False
    for label, value in pairs:
        name = f'<td class="label">{escape(label)}:</td>'
        if len(value) > MAX_INLINE_LENGTH:
            rows.append(f'{name}<td class="long" colspan="3">{escape(value)}</td>')
            is_half = False
        elif is_half:
            rows[-1] += f"{name}<td>{escape(value)}</td>"
            is_half = False
        else:
            rows.append(f"{name}<td>{escape(value)}</td>")
            is_half = True
    lines = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table class="pairs">{lines}</table>'


def _grades(card: dict[str, Any]) -> str:
    kinds = [' class="figure"' * column["is_numeric"] for column in card["columns"]]
    titles = "".join(
        f"<th{kind}>{escape(column['title'])}</th>"
        for kind, column in zip(kinds, card["columns"], strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{kind}>{escape(cell)}</td>"
            for kind, cell in zip(kinds, row, strict=True)
        )
        + "</tr>"
        for row in card["rows"]
    )
    return f'<table class="grades"><thead><tr>{titles}</tr></thead>{rows}</table>'


def _chart(chart: dict[str, Any]) -> str:
    group_width = 100 / len(chart["groups"])
    bars = []
    for index, group in enumerate(chart["groups"]):
        [bar] = group["bars"]
        style = f"left:{group_width * index:.2f}%;width:{group_width:.2f}%"
        height = 26 * bar["permille"] / 1000
        bars.append(
            f'<div class="bar" style="left:calc({group_width * (index + 0.5):.2f}% - 10pt);height:{height:.2f}mm"></div>'
            f'<span style="{style};bottom:{height + 0.5:.2f}mm">{escape(bar["text"])}</span>'
            f'<span class="label" style="{style}">{escape(group["label"])}</span>'
        )
    title = f"{escape(chart['title'])} (0–{chart['axis_maximum']})"
    return f'<p class="title">{title}</p><div class="chart">{"".join(bars)}</div>'
