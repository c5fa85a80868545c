"""ZIP: a PDF for each paper of its own, called after whom it is about."""

import io
import zipfile
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import IO

from django.utils.translation import gettext as _

from tasks import filenames
from tasks.formats.base import Format
from tasks.paper.binding import Binder
from tasks.paper.parts import Part
from tasks.paper.press import Press
from tasks.paper.sheets import PAGES, Document, Sheets
from tasks.paper.wording import said
from tasks.tables import Cell, Column, Table

PLACES = ("school", "class")
"""Columns of a heading that are folders, where it has others too."""
NAMES = ("number", "student")
"""Columns of a heading that are in the file's name, where it has them."""
DIGITS = 2
"""Of a number in a class."""
EARLIEST = (1980, 1, 1, 0, 0, 0)


class Zip(Format):
    media_type = "application/zip"
    extension = "zip"

    def write(self, table: Table, file: IO[bytes]) -> None:
        sheets = Sheets(table)
        names: deque[str] = deque()
        moment = table.about.issued_at
        with (
            Press(table, file) as press,
            zipfile.ZipFile(file, "w") as archive,
        ):
            for pdfs in press.printed(_jobs(sheets, names)):
                for pdf in pdfs:
                    # They are packed already.
                    archive.writestr(_entry(names.popleft(), moment), _bound(pdf))


def _jobs(sheets: Sheets, names: deque[str]) -> Iterator[list[Document]]:
    """Some documents at once, since each process takes a moment to start; their names go along."""
    taken: set[str] = set()
    job: list[Document] = []
    for pieces in _papers(sheets):
        job.append(sheets.document(pieces))
        names.append(_unique(_name(sheets, pieces[0]), taken))
        if len(job) == PAGES:
            yield job
            job = []
    closing = sheets.table.close()
    if closing.summary or closing.left_out or not names:
        nothing = {} if not taken else {"nothing": ""}
        job.append({**sheets.document([], closing), **nothing})
        names.append(_unique(filenames.safe(_("About these files")), taken))
    if job:
        yield job


def _papers(sheets: Sheets) -> Iterator[list[Part]]:
    """The pieces of each part."""
    pieces: list[Part] = []
    for part in sheets.parts():
        pieces.append(part)
        if part.is_whole:
            yield pieces
            pieces = []


def _name(sheets: Sheets, part: Part) -> str:
    """Folders where there are several, and what tells the part from its neighbours."""
    row = part.rows[0]
    cells = {
        column.name: _told(column, row[place])
        for place, column in sheets.shown.heading
        if row[place] is not None
    }
    folders = [name for name in PLACES if name in cells]
    named = [name for name in NAMES if name in cells] or folders[-1:] or list(cells)
    if sheets.table.about.school:
        folders = [name for name in folders if name != "school"]
    path = [filenames.safe(cells[name]) for name in folders if name not in named]
    return "/".join([*path, filenames.safe(" ".join(cells[name] for name in named))])


def _told(column: Column, cell: Cell) -> str:
    # With as many digits as all, so that files stand in the order of the class.
    return f"{cell:0{DIGITS}}" if isinstance(cell, int) else said(column, cell)


def _unique(name: str, taken: set[str]) -> str:
    """The name with its extension, and with a number where another file has it."""
    candidate, count = name, 1
    # Some systems know no difference between large and small letters.
    while candidate.casefold() in taken:
        count += 1
        candidate = f"{name} ({count})"
    taken.add(candidate.casefold())
    return f"{candidate}.pdf"


def _entry(name: str, moment: datetime | None) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6] if moment else EARLIEST)
    entry.create_system = 3  # whichever system writes it, the bytes are the same
    entry.external_attr = 0o644 << 16
    return entry


def _bound(pdf: bytes) -> bytes:
    file = io.BytesIO()
    with Binder(file) as binder:
        binder.add(pdf)
        binder.finish()
    return file.getvalue()
