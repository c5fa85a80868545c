"""The sheet of charts: the figures of each, and it beside them.

They have figures of their own, so that sorting or filtering the rows changes no chart.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tasks.rendering.xlsx import cells, styles
from tasks.rendering.xlsx.chart_data import Block
from tasks.rendering.xlsx.package import (
    CHART,
    DRAWING,
    MAIN,
    OFFICE,
    Listed,
    Package,
    reference,
)

_DRAWING_ML = "http://schemas.openxmlformats.org/drawingml/2006"
_COLOURS = (
    "1F4E79",
    "E69F00",
    "56B4E9",
    "009E73",
    "CC79A7",
    "D55E00",
    "999999",
    "F0E442",
)
"""Told apart by the colour-blind, too."""
_ROWS = 17
"""Which a chart covers, of 20 pixels each."""
_PIXEL = 9525
"""In the units of drawings."""


def add(package: Package, name: str, blocks: Sequence[Block], note: str = "") -> None:
    """Add the sheet of that name, with its drawing and a chart for each block.

    The note stands beneath them all.
    """
    *starts, end = _starts(blocks)
    with package.sheet(Listed(name)) as part:
        noted = _line(end, [cells.text(note)]) if note else ""
        part.write(_sheet(blocks, starts, noted).encode())
    package.relate(
        f"xl/worksheets/sheet{len(package.sheets)}.xml",
        [("drawing", "../drawings/drawing1.xml")],
    )
    package.add("xl/drawings/drawing1.xml", DRAWING, _drawing(blocks, starts))
    numbers = range(1, len(blocks) + 1)
    package.relate(
        "xl/drawings/drawing1.xml",
        [("chart", f"../charts/chart{n}.xml") for n in numbers],
    )
    for n, block, start in zip(numbers, blocks, starts, strict=True):
        package.add(f"xl/charts/chart{n}.xml", CHART, _chart(block, name, start))


def _starts(blocks: Sequence[Block]) -> list[int]:
    """The row in which each block begins, counted from 1; and the one that follows them."""
    starts = [1]
    for block in blocks:
        starts.append(starts[-1] + max(len(block.categories), _ROWS) + 3)
    return starts


def _sheet(blocks: Sequence[Block], starts: Sequence[int], last: str) -> str:
    widest = max(len(str(word)) for block in blocks for word in block.categories)
    rows = "".join(
        line
        for block, start in zip(blocks, starts, strict=True)
        for line in _lines(block, start)
    )
    return (
        f'<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView showGridLines="0" workbookViewId="0"/></sheetViews>'
        '<sheetFormatPr defaultRowHeight="15"/>'
        f'<cols><col min="1" max="1" width="{min(40, max(16, widest + 2))}" customWidth="1"/>'
        f'<col min="2" max="{_most(blocks) + 1}" width="12" customWidth="1"/></cols>'
        f"<sheetData>{rows}{last}</sheetData>"
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/>'
        '<drawing r:id="rId1"/></worksheet>'
    )


def _lines(block: Block, start: int) -> Iterator[str]:
    titles = [str(block.column.title), *(name for name, _column in block.series)]
    yield _line(start, [cells.text(block.title, styles.HEADING)])
    yield _line(start + 1, [cells.text(title, styles.HEADER) for title in titles])
    category = cells.writer(block.column)
    writers = [cells.writer(column) for _name, column in block.series]
    for n, (named, figures) in enumerate(
        zip(block.categories, block.figures, strict=True), start + 2
    ):
        written = [write(cell) for write, cell in zip(writers, figures, strict=True)]
        yield _line(n, [category(named), *written])


def _line(number: int, tails: Sequence[cells.Tail]) -> str:
    each = "".join(
        f'<c r="{cells.letters(n)}{number}"{tail}' for n, tail in enumerate(tails)
    )
    return f'<row r="{number}">{each}</row>'


def _most(blocks: Sequence[Block]) -> int:
    return max(len(block.series) for block in blocks)


def _drawing(blocks: Sequence[Block], starts: Sequence[int]) -> str:
    anchors = "".join(
        f"<xdr:oneCellAnchor><xdr:from><xdr:col>{_most(blocks) + 2}</xdr:col>"
        f"<xdr:colOff>0</xdr:colOff><xdr:row>{start}</xdr:row><xdr:rowOff>0</xdr:rowOff>"
        f'</xdr:from><xdr:ext cx="{_width(block) * _PIXEL}" cy="{_ROWS * 20 * _PIXEL}"/>'
        '<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr>'
        f'<xdr:cNvPr id="{n + 1}" name="{n}" descr="{cells.escaped(_described(block))}"/>'
        "<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm>"
        '<a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>'
        f'<a:graphic><a:graphicData uri="{_DRAWING_ML}/chart">'
        f'<c:chart xmlns:c="{_DRAWING_ML}/chart" r:id="rId{n}"/>'
        "</a:graphicData></a:graphic></xdr:graphicFrame><xdr:clientData/></xdr:oneCellAnchor>"
        for n, (block, start) in enumerate(zip(blocks, starts, strict=True), 1)
    )
    return (
        f'<xdr:wsDr xmlns:xdr="{_DRAWING_ML}/spreadsheetDrawing" '
        f'xmlns:a="{_DRAWING_ML}/main" xmlns:r="{OFFICE}">{anchors}</xdr:wsDr>'
    )


def _described(block: Block) -> str:
    """For who does not see it; the figures themselves stand in the cells beside."""
    return f"{block.title}: {block.drawn}"


def _width(block: Block) -> int:
    """In pixels, so that each bar can be seen."""
    bars = len(block.categories) * len(block.series)
    return min(1200, max(520, 160 + 22 * bars))


def _chart(block: Block, sheet: str, start: int) -> str:
    first, last = start + 2, start + 1 + len(block.categories)
    categories = _formula(sheet, f"$A${first}:$A${last}")
    series = ""
    for n, (_name, _column) in enumerate(block.series):
        letters = cells.letters(n + 1)
        colour = _COLOURS[n % len(_COLOURS)]
        series += (
            f'<c:ser><c:idx val="{n}"/><c:order val="{n}"/>'
            f"<c:tx><c:strRef>{_formula(sheet, f'${letters}${start + 1}')}</c:strRef></c:tx>"
            f'<c:spPr><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></c:spPr>'
            f'<c:invertIfNegative val="0"/><c:cat><c:strRef>{categories}</c:strRef></c:cat>'
            f"<c:val><c:numRef>{_formula(sheet, f'${letters}${first}:${letters}${last}')}"
            "</c:numRef></c:val></c:ser>"
        )
    legend = ""
    if len(block.series) > 1:
        legend = '<c:legend><c:legendPos val="b"/><c:overlay val="0"/></c:legend>'
    return (
        f'<c:chartSpace xmlns:c="{_DRAWING_ML}/chart" xmlns:a="{_DRAWING_ML}/main">'
        f'<c:roundedCorners val="0"/><c:chart>{_title(block.drawn)}<c:plotArea><c:layout/>'
        '<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/>'
        f'<c:varyColors val="0"/>{series}<c:gapWidth val="60"/><c:axId val="1"/>'
        f'<c:axId val="2"/></c:barChart>{_axes(block)}</c:plotArea>{legend}'
        '<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart></c:chartSpace>'
    )


def _formula(sheet: str, range_of: str) -> str:
    return f"<c:f>{cells.escaped(reference(sheet, range_of))}</c:f>"


def _title(title: str) -> str:
    return (
        '<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1200" b="1"/></a:pPr>'
        f'<a:r><a:rPr sz="1200" b="1"/><a:t>{cells.escaped(title)}</a:t></a:r></a:p>'
        '</c:rich></c:tx><c:overlay val="0"/></c:title><c:autoTitleDeleted val="0"/>'
    )


def _axes(block: Block) -> str:
    figures = [
        cell for row in block.figures for cell in row if isinstance(cell, int | Decimal)
    ]
    # Bars that began anywhere else would not be as long as their figures are large.
    least = '<c:min val="0"/>' if min(figures, default=0) >= 0 else ""
    ends = '<c:crosses val="autoZero"/>'
    return (
        '<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="minMax"/></c:scaling>'
        '<c:delete val="0"/><c:axPos val="b"/><c:numFmt formatCode="General" sourceLinked="0"/>'
        '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>'
        f'<c:crossAx val="2"/>{ends}<c:noMultiLvlLbl val="1"/></c:catAx>'
        '<c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/>'
        f"{least}</c:scaling>"
        '<c:delete val="0"/><c:axPos val="l"/><c:majorGridlines><c:spPr><a:ln w="6350">'
        '<a:solidFill><a:srgbClr val="D9D9D9"/></a:solidFill></a:ln></c:spPr></c:majorGridlines>'
        '<c:numFmt formatCode="General" sourceLinked="1"/><c:majorTickMark val="none"/>'
        '<c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>'
        f'<c:crossAx val="1"/>{ends}<c:crossBetween val="between"/></c:valAx>'
    )
