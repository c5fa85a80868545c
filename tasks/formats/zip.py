"""ZIP: papers of their own as PDFs, called after whom they are about.

Of one school or class each paper is a file, in folders for its year and class. Of several schools each
class is a file, in folders for its school and year: nobody opens a city's papers one by one. Papers that
belong to no class are then some to a file, called after the first and the last of them.
"""

import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby, islice
from typing import IO

from django.utils.translation import gettext as _

from tasks.rendering import filenames
from tasks.rendering.columns import Cell, Column
from tasks.rendering.format import Format
from tasks.rendering.pdf.layout import PAGES, Document, Sheets
from tasks.rendering.pdf.merger import Binder
from tasks.rendering.pdf.sections import Part
from tasks.rendering.pdf.text import cut, said
from tasks.rendering.pdf.typesetter import Press
from tasks.rendering.table import Table

PLACES = ("school", "year", "class")
"""Columns of a heading that are folders, where it has others too."""
NAMES = ("number", "student")
"""Columns of a heading that are in the file's name, where it has them."""
DIGITS = 2
"""Of a number in a class."""
MOST_PAPERS = 100
"""In a file of several; a class of more goes on in another file."""
MOST_PAGES = 13
"""That one process sets for a class's file: half of most classes. A whole class takes over
20 MB more, and fewer pages make a larger file, since each document brings its fonts."""
CALLED = 50
"""Characters of each name, where a file is called after two."""
EARLIEST = (1980, 1, 1, 0, 0, 0)

Paper = list[Part]
"""All pieces of it."""
Job = tuple[list[tuple[str, int]], list[Document]]
"""The files that begin with it, each of how many documents; and its documents."""


class Zip(Format):
    media_type = "application/zip"
    extension = "zip"

    def write(self, table: Table, file: IO[bytes]) -> None:
        files: deque[tuple[str, int]] = deque()
        moment = table.about.issued_at
        with (
            Press(table, file) as press,
            # Uncompressed: PDFs are packed already.
            zipfile.ZipFile(file, "w") as archive,
        ):
            pdfs = chain.from_iterable(press.printed(_jobs(Sheets(table), files)))
            for first in pdfs:
                name, count = files.popleft()
                with (
                    archive.open(_entry(name, moment), "w") as entry,
                    Binder(entry) as binder,
                ):
                    for pdf in chain([first], islice(pdfs, count - 1)):
                        binder.add(pdf)
                    binder.finish()


def _jobs(
    sheets: Sheets, files: deque[tuple[str, int]]
) -> Iterator[Sequence[Document]]:
    """What is set at once; the files that it begins are noted before."""
    taken: set[str] = set()
    jobs = _one_by_one if sheets.table.about.school else _together
    for begun, documents in jobs(sheets):
        files.extend((_unique(name, taken), count) for name, count in begun)
        yield documents
    closing = sheets.table.close()
    if closing.summary or closing.left_out or not taken:
        nothing = {} if not taken else {"nothing": ""}
        files.append(
            (_unique(filenames.safe_filename(_("About these files")), taken), 1)
        )
        yield [{**sheets.document([], closing), **nothing}]


def _one_by_one(sheets: Sheets) -> Iterator[Job]:
    """Some papers at once, since each process takes a moment to start."""
    papers = _papers(sheets)
    while some := list(islice(papers, PAGES)):
        names = [(_name(sheets, paper), 1) for paper in some]
        yield names, [sheets.document(paper) for paper in some]


def _together(sheets: Sheets) -> Iterator[Job]:
    """Neighbours of one folder as one file."""
    folders = groupby(_papers(sheets), lambda paper: _folder(sheets, paper))
    count = 0
    for folder, papers in folders:
        while some := list(islice(papers, MOST_PAPERS)):
            count += 1
            first, last = (cut(_name(sheets, some[end]), CALLED) for end in (0, -1))
            name = folder or filenames.safe_filename(f"{count:04} {first} – {last}")
            documents = list(_documents(sheets, some))
            yield [(name, len(documents))], documents[:1]
            yield from (([], [document]) for document in documents[1:])


def _documents(sheets: Sheets, papers: Sequence[Paper]) -> Iterator[Document]:
    held: list[Part] = []
    pages = 0.0
    for paper in papers:
        more = sum(map(sheets.pages, paper))
        if held and pages + more > MOST_PAGES:
            yield sheets.document(held)
            held, pages = [], 0.0
        held += paper
        pages += more
    yield sheets.document(held)


def _papers(sheets: Sheets) -> Iterator[Paper]:
    pieces: Paper = []
    for part in sheets.parts():
        pieces.append(part)
        if part.is_whole:
            yield pieces
            pieces = []


def _name(sheets: Sheets, paper: Paper) -> str:
    """Folders where there are several, and what tells the paper from its neighbours."""
    cells = _cells(sheets, paper)
    folders = [name for name in PLACES if name in cells]
    named = [name for name in NAMES if name in cells] or folders[-1:] or list(cells)
    if sheets.table.about.school:
        folders = [name for name in folders if name != "school"]
    path = [
        filenames.safe_filename(cells[name]) for name in folders if name not in named
    ]
    return "/".join(
        [*path, filenames.safe_filename(" ".join(cells[name] for name in named))]
    )


def _folder(sheets: Sheets, paper: Paper) -> str:
    """All folders there can be for it; empty where it belongs to no class or school."""
    cells = _cells(sheets, paper)
    return "/".join(
        filenames.safe_filename(cells[name]) for name in PLACES if name in cells
    )


def _cells(sheets: Sheets, paper: Paper) -> dict[str, str]:
    """What its heading says, by the names of the columns."""
    row = paper[0].rows[0]
    return {
        column.name: _told(column, row[place])
        for place, column in sheets.shown.heading
        if row[place] is not None
    }


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
