"""Report cards drawn with reportlab: a canvas with `Table` objects.

Only texts that reportlab cannot wrap otherwise are `Paragraph` objects; bars and lines are drawn.
"""

import json
from pathlib import Path
from textwrap import wrap
from typing import Any

from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table, TableStyle

from bench.timing import Work

FONTS = Path(__file__).parent.parent.parent / "tasks" / "rendering" / "pdf" / "fonts"
NORMAL, BOLD = "DejaVu", "DejaVu-Bold"
DARK, GREY, STRIPE = colors.HexColor("#1f3a5f"), colors.HexColor("#5a5a5a"), colors.HexColor("#f2f2f2")  # fmt: skip
LEFT, RIGHT = 14 * mm, A4[0] - 14 * mm
CONTENT_WIDTH = RIGHT - LEFT
CHART_HEIGHT = 26 * mm
MAX_INLINE_LENGTH, LONG_STYLE = 55, ParagraphStyle("long", fontName=NORMAL, fontSize=8.5, leading=10.5, alignment=TA_LEFT)  # fmt: skip
PAIRS_STYLE = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), BOLD, 8.5, 10.5),
        ("FONT", (0, 0), (0, -1), NORMAL, 8.5, 10.5),
        ("FONT", (2, 0), (2, -1), NORMAL, 8.5, 10.5),
        ("TEXTCOLOR", (0, 0), (0, -1), GREY),
        ("TEXTCOLOR", (2, 0), (2, -1), GREY),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
)
GRADES_STYLE = [
    ("FONT", (0, 0), (-1, -1), NORMAL, 8.5, 10),
    ("FONT", (0, 0), (-1, 0), BOLD, 7.6, 9),
    ("TEXTCOLOR", (0, 0), (-1, 0), colors.white),
    ("BACKGROUND", (0, 0), (-1, 0), DARK),
    ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, STRIPE]),
    ("LINEBELOW", (0, -1), (-1, -1), 0.6, DARK),
    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
    ("LEFTPADDING", (0, 0), (-1, -1), 2.5),
    ("RIGHTPADDING", (0, 0), (-1, -1), 2.5),
    ("TOPPADDING", (0, 0), (-1, -1), 3),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
]


def prepare(path: str, cards: str, count: int) -> Work:
    pdfmetrics.registerFont(TTFont(NORMAL, FONTS / "DejaVuSansCondensed.ttf"))
    pdfmetrics.registerFont(TTFont(BOLD, FONTS / "DejaVuSansCondensed-Bold.ttf"))
    card_data = json.loads(Path(cards).read_text())[:count]

    def work() -> Any:
        canvas = Canvas(path, pagesize=A4, pageCompression=1)
        canvas.setTitle(card_data[0]["title"])
        for card in card_data:
            _draw(canvas, card)
            canvas.showPage()
        canvas.save()
        return lambda: Path(path).stat().st_size

    return work


def _draw(canvas: Canvas, card: dict[str, Any]) -> None:
    y = _head(canvas, card, A4[1] - 13 * mm)
    y = _pairs(canvas, card["heading"], y) - 4
    y = _grades(canvas, card, y) - 6
    y = _pairs(canvas, card["section_footer"], y)
    for chart in card["charts"]:
        y = _bars(canvas, chart, y - 18)
    _signatures(canvas, card["signatures"], y - 14 * mm)
    canvas.setFont(NORMAL, 7)
    canvas.setFillColor(GREY)
    canvas.drawString(LEFT, 11 * mm, card["name"])
    page = card["page_label"].replace("{number}", "1").replace("{total}", "1")
    canvas.drawRightString(RIGHT, 11 * mm, page)


def _head(canvas: Canvas, card: dict[str, Any], y: float) -> float:
    canvas.setFillColor(colors.black)
    canvas.setFont(BOLD, 10.5)
    canvas.drawString(LEFT, y - 10, card["network"])
    canvas.setFont(NORMAL, 10)
    canvas.drawString(LEFT, y - 23, card["school"])
    canvas.setStrokeColor(DARK)
    canvas.setLineWidth(0.8)
    canvas.line(LEFT, y - 31, RIGHT, y - 31)
    canvas.setFillColor(DARK)
    canvas.setFont(BOLD, 12)
    canvas.drawString(LEFT, y - 49, card["title"])
    canvas.setFillColor(GREY)
    canvas.setFont(NORMAL, 7)
    canvas.drawString(LEFT, y - 63, " · ".join(card["facts"]))
    return y - 72


def _pairs(canvas: Canvas, pairs: list[list[str]], y: float) -> float:
    """Draw two pairs per line; a long value gets its own line."""
    rows: list[list[Any]] = []
    spans = []
    for label, value in pairs:
        if len(value) > MAX_INLINE_LENGTH:
            spans.append(("SPAN", (1, len(rows)), (3, len(rows))))
            rows.append([f"{label}:", Paragraph(value, LONG_STYLE), "", ""])
        elif rows and len(rows[-1]) == 2:
            rows[-1] += [f"{label}:", value]
        else:
            rows.append([f"{label}:", value])
    padded_rows = [row + [""] * (4 - len(row)) for row in rows]
    widths = [CONTENT_WIDTH * share for share in (0.16, 0.4, 0.16, 0.28)]
    table = Table(padded_rows, colWidths=widths, style=PAIRS_STYLE)
    table.setStyle(TableStyle(spans))
    return _draw_table(canvas, table, y)


def _grades(canvas: Canvas, card: dict[str, Any], y: float) -> float:
    columns = card["columns"]
    titles = [
        "\n".join(wrap(column["title"], max(9, column["width"]))) for column in columns
    ]
    rows = [
        [
            cell if len(cell) < 20 else "\n".join(wrap(cell, column["width"]))
            for cell, column in zip(row, columns, strict=True)
        ]
        for row in card["rows"]
    ]
    alignments = [
        ("ALIGN", (index, 0), (index, -1), "CENTER")
        for index, column in enumerate(columns)
        if column["is_numeric"]
    ]
    total_width = sum(column["width"] for column in columns)
    widths = [CONTENT_WIDTH * column["width"] / total_width for column in columns]
    table = Table(
        [titles, *rows], colWidths=widths, style=TableStyle(GRADES_STYLE + alignments)
    )
    return _draw_table(canvas, table, y)


def _bars(canvas: Canvas, chart: dict[str, Any], y: float) -> float:
    canvas.setFillColor(colors.black)
    canvas.setFont(BOLD, 7)
    canvas.drawString(LEFT, y, f"{chart['title']} (0–{chart['axis_maximum']})")
    baseline: float = y - 9 - CHART_HEIGHT
    canvas.setStrokeColor(GREY)
    canvas.setLineWidth(0.6)
    canvas.line(LEFT, baseline, RIGHT, baseline)
    group_width = CONTENT_WIDTH / len(chart["groups"])
    bar_width = max(3, min(22, 300 / chart["bar_count"]))
    for index, group in enumerate(chart["groups"]):
        left = (
            LEFT
            + group_width * index
            + (group_width - bar_width * len(group["bars"])) / 2
        )
        for bar_index, bar in enumerate(group["bars"]):
            height = CHART_HEIGHT * bar["permille"] / 1000
            canvas.setFillColor(DARK)
            canvas.rect(
                left + bar_width * bar_index,
                baseline,
                bar_width - 1,
                height,
                stroke=0,
                fill=1,
            )
            canvas.setFillColor(colors.black)
            canvas.setFont(NORMAL, 5.5)
            middle = left + bar_width * (bar_index + 0.5)
            canvas.drawCentredString(middle, baseline + height + 2, bar["text"])
        canvas.setFont(NORMAL, 6.5)
        for line, label in enumerate(wrap(group["label"], 15)):
            canvas.drawCentredString(
                LEFT + group_width * (index + 0.5), baseline - 9 - 8 * line, label
            )
    lines = int(chart["label_lines"])
    return baseline - 9 - 8 * lines


def _signatures(canvas: Canvas, signatures: list[str], y: float) -> None:
    width = (CONTENT_WIDTH - 16 * mm) / 2
    canvas.setLineWidth(0.5)
    canvas.setStrokeColor(colors.black)
    canvas.setFont(NORMAL, 7.5)
    for index, signatory in enumerate(signatures):
        left = LEFT + index * (width + 16 * mm)
        canvas.line(left, y, left + width, y)
        canvas.drawCentredString(left + width / 2, y - 10, signatory)


def _draw_table(canvas: Canvas, table: Table, y: float) -> float:
    _width, height = table.wrapOn(canvas, CONTENT_WIDTH, y)
    table.drawOn(canvas, LEFT, y - height)
    return y - float(height)
