"""PDF: papers for people, tagged for those who listen to them (PDF/UA-1), set by typst."""

from typing import IO

from tasks.rendering.format import Format
from tasks.rendering.pdf.layout import Sheets
from tasks.rendering.pdf.merger import Binder
from tasks.rendering.pdf.page_numbers import numbered, printed
from tasks.rendering.pdf.typesetter import Press
from tasks.rendering.table import Table


class Pdf(Format):
    media_type = "application/pdf"
    extension = "pdf"

    def write(self, table: Table, file: IO[bytes]) -> None:
        documents = Sheets(table).documents()
        # Papers of their own count their own pages, and none waits for another.
        papers = printed if table.layout.is_paged else numbered
        with Press(table, file) as press, Binder(file) as binder:
            for pdf in papers(documents, press):
                binder.add(pdf)
            binder.finish()
