"""The "About" sheet of a workbook: school, viewer, times, rules, summary and skipped records."""

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from school.time_zones import zone_words
from tasks.rendering.table import Footer, Table
from tasks.rendering.xlsx import cells, styles
from tasks.rendering.xlsx.package import MAIN_NS


def build_about_sheet(table: Table, footer: Footer, row_count: int) -> str:
    """Build the sheet's XML, with one row per fact; `row_count` is the number of data rows."""
    heading = f'<row r="1" ht="24" customHeight="1"><c r="A1"{cells.text_cell(table.full_title, styles.HEADING)}</row>'
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"{cells.text_cell(label, styles.LABEL)}<c r="B{n}"{cell_xml}</row>'
        for n, (label, cell_xml) in enumerate(
            _labelled_cells(table, footer, row_count), 3
        )
    )
    return (
        f'<worksheet xmlns="{MAIN_NS}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView showGridLines="0" workbookViewId="0"/></sheetViews>'
        '<sheetFormatPr defaultRowHeight="15"/>'
        '<cols><col min="1" max="1" width="24" customWidth="1"/>'
        '<col min="2" max="2" width="80" customWidth="1"/></cols>'
        f"<sheetData>{heading}{rows}</sheetData>"
        '<pageSetup paperSize="9" orientation="portrait" fitToHeight="0"/></worksheet>'
    )


def _labelled_cells(
    table: Table, footer: Footer, row_count: int
) -> Iterator[tuple[str, cells.CellXml]]:
    """Yield each label and the cell beside it; a label is blank if it repeats the one above."""
    letterhead = table.letterhead
    yield from _text_cells(_("School network"), [letterhead.network])
    yield from _text_cells(_("School"), [letterhead.school])
    yield from _text_cells(_("INEP code"), [letterhead.inep_code])
    yield from _text_cells(_("Address"), [letterhead.address])
    yield from _text_cells(_("Requested by"), [letterhead.requested_by])
    if letterhead.issued_at:
        yield _("Issued at"), cells.datetime_cell(letterhead.issued_at)
    if letterhead.data_as_of:
        yield _("Data as of"), cells.datetime_cell(letterhead.data_as_of)
    if letterhead.issued_at:
        yield from _text_cells(_("Time zone"), [zone_words(letterhead.issued_at)])
    yield from _text_cells(_("Rules"), letterhead.rules)
    yield _("Rows"), cells.count_cell(row_count)
    yield from _text_cells(_("Summary"), [footer.summary])
    yield from _text_cells(_("Left out"), footer.skipped_reasons)


def _text_cells(
    label: str, texts: Iterable[str]
) -> Iterator[tuple[str, cells.CellXml]]:
    for text in filter(None, texts):
        yield label, cells.text_cell(text, styles.WRAPPED)
        label = ""
