"""PDF: printable documents, tagged for screen readers (PDF/UA-1) and typeset by typst."""

from typing import IO

from tasks.rendering.format import Format
from tasks.rendering.pdf import glyphs
from tasks.rendering.pdf.layout import PdfLayout
from tasks.rendering.pdf.merger import PdfMerger
from tasks.rendering.pdf.page_numbers import (
    render_numbered_by_file,
    render_numbered_by_section,
)
from tasks.rendering.pdf.typesetter import TypesetterPool
from tasks.rendering.table import Table


class Pdf(Format):
    label = "PDF"
    media_type = "application/pdf"
    extension = "pdf"
    audience = "people"
    lacks_signs = True
    is_inline_safe = True
    is_default = True
    sort_order = 60

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        documents = PdfLayout(table).documents()
        # Sections that begin a page count their own pages, so none waits for another.
        render_pdfs = (
            render_numbered_by_section
            if table.layout.page_per_section
            else render_numbered_by_file
        )
        with TypesetterPool(table, file) as typesetters, PdfMerger(file) as merger:
            for pdf in render_pdfs(documents, typesetters):
                merger.add(pdf)
            merger.finish()

    def can_show(self, text: str) -> bool:
        return glyphs.can_set(text)
