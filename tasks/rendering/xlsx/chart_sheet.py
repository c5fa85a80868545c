"""The sheet of charts: a block of figures for each chart, with the chart beside it.

The charts use these copies of the figures, so that sorting or filtering the data sheets does
not change them.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tasks.rendering.xlsx import cells, styles
from tasks.rendering.xlsx.chart_data import ChartData
from tasks.rendering.xlsx.package import (
    CHART_CONTENT_TYPE,
    DRAWING_CONTENT_TYPE,
    MAIN_NS,
    RELATIONSHIPS_NS,
    Package,
    SheetInfo,
    quote_reference,
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
"""RGB colours of the series, distinguishable for colour-blind readers."""
_CHART_ROWS = 17
"""Height of a chart in sheet rows of 20 pixels."""
_EMU_PER_PIXEL = 9525
"""English Metric Units (the unit of drawings) in a pixel."""


def add_chart_sheet(
    package: Package, sheet_name: str, charts: Sequence[ChartData], note: str = ""
) -> None:
    """Add the sheet with its drawing, its charts and a note below all of them."""
    *start_rows, end_row = _start_rows(charts)
    with package.open_sheet(SheetInfo(sheet_name)) as part:
        note_row = _row_xml(end_row, [cells.text_cell(note)]) if note else ""
        part.write(_sheet_xml(charts, start_rows, note_row).encode())
    package.add_relationships(
        f"xl/worksheets/sheet{len(package.sheets)}.xml",
        [("drawing", "../drawings/drawing1.xml")],
    )
    package.add_part(
        "xl/drawings/drawing1.xml",
        DRAWING_CONTENT_TYPE,
        _drawing_xml(charts, start_rows),
    )
    numbers = range(1, len(charts) + 1)
    package.add_relationships(
        "xl/drawings/drawing1.xml",
        [("chart", f"../charts/chart{n}.xml") for n in numbers],
    )
    for n, chart, start_row in zip(numbers, charts, start_rows, strict=True):
        package.add_part(
            f"xl/charts/chart{n}.xml",
            CHART_CONTENT_TYPE,
            _chart_xml(chart, sheet_name, start_row),
        )


def _start_rows(charts: Sequence[ChartData]) -> list[int]:
    """Return the first row of each block, counted from 1, and the row after the last block."""
    start_rows = [1]
    for chart in charts:
        start_rows.append(start_rows[-1] + max(len(chart.categories), _CHART_ROWS) + 3)
    return start_rows


def _sheet_xml(
    charts: Sequence[ChartData], start_rows: Sequence[int], note_row: str
) -> str:
    max_length = max(
        len(str(category)) for chart in charts for category in chart.categories
    )
    rows = "".join(
        row_xml
        for chart, start in zip(charts, start_rows, strict=True)
        for row_xml in _chart_rows(chart, start)
    )
    return (
        f'<worksheet xmlns="{MAIN_NS}" xmlns:r="{RELATIONSHIPS_NS}">'
        '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView showGridLines="0" workbookViewId="0"/></sheetViews>'
        '<sheetFormatPr defaultRowHeight="15"/>'
        f'<cols><col min="1" max="1" width="{min(40, max(16, max_length + 2))}" customWidth="1"/>'
        f'<col min="2" max="{_max_series(charts) + 1}" width="12" customWidth="1"/></cols>'
        f"<sheetData>{rows}{note_row}</sheetData>"
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/>'
        '<drawing r:id="rId1"/></worksheet>'
    )


def _chart_rows(chart: ChartData, start_row: int) -> Iterator[str]:
    titles = [
        str(chart.category_column.title),
        *(name for name, _column in chart.series),
    ]
    yield _row_xml(start_row, [cells.text_cell(chart.title, styles.HEADING)])
    yield _row_xml(
        start_row + 1, [cells.text_cell(title, styles.HEADER) for title in titles]
    )
    write_category = cells.cell_writer(chart.category_column)
    writers = [cells.cell_writer(column) for _name, column in chart.series]
    for n, (category, values) in enumerate(
        zip(chart.categories, chart.values, strict=True), start_row + 2
    ):
        value_cells = [write(cell) for write, cell in zip(writers, values, strict=True)]
        yield _row_xml(n, [write_category(category), *value_cells])


def _row_xml(number: int, cell_xmls: Sequence[cells.CellXml]) -> str:
    cells_xml = "".join(
        f'<c r="{cells.column_letters(n)}{number}"{tail}'
        for n, tail in enumerate(cell_xmls)
    )
    return f'<row r="{number}">{cells_xml}</row>'


def _max_series(charts: Sequence[ChartData]) -> int:
    return max(len(chart.series) for chart in charts)


def _drawing_xml(charts: Sequence[ChartData], start_rows: Sequence[int]) -> str:
    anchors = "".join(
        f"<xdr:oneCellAnchor><xdr:from><xdr:col>{_max_series(charts) + 2}</xdr:col>"
        f"<xdr:colOff>0</xdr:colOff><xdr:row>{start}</xdr:row><xdr:rowOff>0</xdr:rowOff>"
        f'</xdr:from><xdr:ext cx="{_chart_width(chart) * _EMU_PER_PIXEL}" cy="{_CHART_ROWS * 20 * _EMU_PER_PIXEL}"/>'
        '<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr>'
        f'<xdr:cNvPr id="{n + 1}" name="{n}" descr="{cells.escape_xml(_alt_text(chart))}"/>'
        "<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm>"
        '<a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>'
        f'<a:graphic><a:graphicData uri="{_DRAWING_ML}/chart">'
        f'<c:chart xmlns:c="{_DRAWING_ML}/chart" r:id="rId{n}"/>'
        "</a:graphicData></a:graphic></xdr:graphicFrame><xdr:clientData/></xdr:oneCellAnchor>"
        for n, (chart, start) in enumerate(zip(charts, start_rows, strict=True), 1)
    )
    return (
        f'<xdr:wsDr xmlns:xdr="{_DRAWING_ML}/spreadsheetDrawing" '
        f'xmlns:a="{_DRAWING_ML}/main" xmlns:r="{RELATIONSHIPS_NS}">{anchors}</xdr:wsDr>'
    )


def _alt_text(chart: ChartData) -> str:
    """Return the alternative text; it omits the figures, which are in the cells beside it."""
    return f"{chart.title}: {chart.value_title}"


def _chart_width(chart: ChartData) -> int:
    """Return the width in pixels that keeps every bar visible."""
    bars = len(chart.categories) * len(chart.series)
    return min(1200, max(520, 160 + 22 * bars))


def _chart_xml(chart: ChartData, sheet: str, start_row: int) -> str:
    first_row, last_row = start_row + 2, start_row + 1 + len(chart.categories)
    categories = _formula_xml(sheet, f"$A${first_row}:$A${last_row}")
    series = ""
    for n, (_name, _column) in enumerate(chart.series):
        letters = cells.column_letters(n + 1)
        colour = _COLOURS[n % len(_COLOURS)]
        series += (
            f'<c:ser><c:idx val="{n}"/><c:order val="{n}"/>'
            f"<c:tx><c:strRef>{_formula_xml(sheet, f'${letters}${start_row + 1}')}</c:strRef></c:tx>"
            f'<c:spPr><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></c:spPr>'
            f'<c:invertIfNegative val="0"/><c:cat><c:strRef>{categories}</c:strRef></c:cat>'
            f"<c:val><c:numRef>{_formula_xml(sheet, f'${letters}${first_row}:${letters}${last_row}')}"
            "</c:numRef></c:val></c:ser>"
        )
    legend = ""
    if len(chart.series) > 1:
        legend = '<c:legend><c:legendPos val="b"/><c:overlay val="0"/></c:legend>'
    return (
        f'<c:chartSpace xmlns:c="{_DRAWING_ML}/chart" xmlns:a="{_DRAWING_ML}/main">'
        f'<c:roundedCorners val="0"/><c:chart>{_title_xml(chart.value_title)}<c:plotArea><c:layout/>'
        '<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/>'
        f'<c:varyColors val="0"/>{series}<c:gapWidth val="60"/><c:axId val="1"/>'
        f'<c:axId val="2"/></c:barChart>{_axes_xml(chart)}</c:plotArea>{legend}'
        '<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart></c:chartSpace>'
    )


def _formula_xml(sheet: str, cell_range: str) -> str:
    return f"<c:f>{cells.escape_xml(quote_reference(sheet, cell_range))}</c:f>"


def _title_xml(title: str) -> str:
    return (
        '<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1200" b="1"/></a:pPr>'
        f'<a:r><a:rPr sz="1200" b="1"/><a:t>{cells.escape_xml(title)}</a:t></a:r></a:p>'
        '</c:rich></c:tx><c:overlay val="0"/></c:title><c:autoTitleDeleted val="0"/>'
    )


def _axes_xml(chart: ChartData) -> str:
    numbers = [
        cell for row in chart.values for cell in row if isinstance(cell, int | Decimal)
    ]
    # Bars must start at 0, so that their lengths are proportional to the figures.
    minimum = '<c:min val="0"/>' if min(numbers, default=0) >= 0 else ""
    crosses = '<c:crosses val="autoZero"/>'
    return (
        '<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="minMax"/></c:scaling>'
        '<c:delete val="0"/><c:axPos val="b"/><c:numFmt formatCode="General" sourceLinked="0"/>'
        '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>'
        f'<c:crossAx val="2"/>{crosses}<c:noMultiLvlLbl val="1"/></c:catAx>'
        '<c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/>'
        f"{minimum}</c:scaling>"
        '<c:delete val="0"/><c:axPos val="l"/><c:majorGridlines><c:spPr><a:ln w="6350">'
        '<a:solidFill><a:srgbClr val="D9D9D9"/></a:solidFill></a:ln></c:spPr></c:majorGridlines>'
        '<c:numFmt formatCode="General" sourceLinked="1"/><c:majorTickMark val="none"/>'
        '<c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>'
        f'<c:crossAx val="1"/>{crosses}<c:crossBetween val="between"/></c:valAx>'
    )
