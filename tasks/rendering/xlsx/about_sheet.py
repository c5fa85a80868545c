"""The sheet that says what a workbook is: of which school, for whom, when, and what is not in it."""

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from tasks.rendering.table import Closing, Table
from tasks.rendering.xlsx import cells, styles
from tasks.rendering.xlsx.package import MAIN


def sheet(table: Table, closing: Closing, count: int) -> str:
    """The part, once `count` rows were read; a line for each thing that there is to say."""
    heading = f'<row r="1" ht="24" customHeight="1"><c r="A1"{cells.text(table.title, styles.HEADING)}</row>'
    lines = "".join(
        f'<row r="{n}"><c r="A{n}"{cells.text(label, styles.LABEL)}<c r="B{n}"{tail}</row>'
        for n, (label, tail) in enumerate(_lines(table, closing, count), 3)
    )
    return (
        f'<worksheet xmlns="{MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView showGridLines="0" workbookViewId="0"/></sheetViews>'
        '<sheetFormatPr defaultRowHeight="15"/>'
        '<cols><col min="1" max="1" width="24" customWidth="1"/>'
        '<col min="2" max="2" width="80" customWidth="1"/></cols>'
        f"<sheetData>{heading}{lines}</sheetData>"
        '<pageSetup paperSize="9" orientation="portrait" fitToHeight="0"/></worksheet>'
    )


def _lines(
    table: Table, closing: Closing, count: int
) -> Iterator[tuple[str, cells.Tail]]:
    """Each label, and the cell beside it; a label is said once for all that it is of."""
    about = table.about
    yield from _texts(_("School network"), [about.network])
    yield from _texts(_("School"), [about.school])
    yield from _texts(_("INEP code"), [about.inep_code])
    yield from _texts(_("Address"), [about.address])
    yield from _texts(_("Asked for by"), [about.asked_by])
    if about.issued_at:
        yield _("Issued at"), cells.moment(about.issued_at)
    if about.data_as_of:
        yield _("Data as of"), cells.moment(about.data_as_of)
    yield from _texts(_("Rules"), about.rules)
    yield _("Rows"), cells.count(count)
    yield from _texts(_("Summary"), [closing.summary])
    yield from _texts(_("Left out"), closing.left_out)


def _texts(label: str, texts: Iterable[str]) -> Iterator[tuple[str, cells.Tail]]:
    for text in filter(None, texts):
        yield label, cells.text(text, styles.WRAPPED)
        label = ""
