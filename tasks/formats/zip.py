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
from tasks.rendering.pdf.layout import PAGES_PER_DOCUMENT, Document, PdfLayout
from tasks.rendering.pdf.merger import PdfMerger
from tasks.rendering.pdf.sections import Section
from tasks.rendering.pdf.text import format_cell, truncate
from tasks.rendering.pdf.typesetter import TypesetterPool
from tasks.rendering.table import Table

FOLDER_COLUMNS = ("school", "year", "class")
"""Columns of a heading that are folders, where it has others too."""
FILE_NAME_COLUMNS = ("number", "student")
"""Columns of a heading that are in the file's name, where it has them."""
NUMBER_DIGITS = 2
"""Of a number in a class."""
MAX_SECTIONS_PER_FILE = 100
"""In a file of several; a class of more goes on in another file."""
MAX_PAGES_PER_DOCUMENT = 13
"""That one process sets for a class's file: half of most classes. A whole class takes over
20 MB more, and fewer pages make a larger file, since each document brings its fonts."""
MAX_NAME_LENGTH = 50
"""Characters of each name, where a file is called after two."""
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

WholeSection = list[Section]
"""All pieces of it."""
ZipJob = tuple[list[tuple[str, int]], list[Document]]
"""The files that begin with it, each of how many documents; and its documents."""


class Zip(Format):
    media_type = "application/zip"
    extension = "zip"

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        files: deque[tuple[str, int]] = deque()
        issued_at = table.letterhead.issued_at
        with (
            TypesetterPool(table, file) as typesetters,
            # Uncompressed: PDFs are packed already.
            zipfile.ZipFile(file, "w") as archive,
        ):
            pdfs = chain.from_iterable(
                typesetters.render(_plan_jobs(PdfLayout(table), files))
            )
            for first_pdf in pdfs:
                name, pdf_count = files.popleft()
                with (
                    archive.open(_zip_info(name, issued_at), "w") as entry,
                    PdfMerger(entry) as merger,
                ):
                    for pdf in chain([first_pdf], islice(pdfs, pdf_count - 1)):
                        merger.add(pdf)
                    merger.finish()


def _plan_jobs(
    layout: PdfLayout, files: deque[tuple[str, int]]
) -> Iterator[Sequence[Document]]:
    """What is set at once; the files that it begins are noted before."""
    used_names: set[str] = set()
    split_jobs = _jobs_by_section if layout.table.letterhead.school else _jobs_by_folder
    for new_files, documents in split_jobs(layout):
        files.extend(
            (_unique_file_name(name, used_names), count) for name, count in new_files
        )
        yield documents
    footer = layout.table.build_footer()
    if footer.summary or footer.skipped_reasons or not used_names:
        overrides = {} if not used_names else {"empty_message": ""}
        files.append(
            (
                _unique_file_name(
                    filenames.safe_filename(_("About these files")), used_names
                ),
                1,
            )
        )
        yield [{**layout.build_document([], footer), **overrides}]


def _jobs_by_section(layout: PdfLayout) -> Iterator[ZipJob]:
    """Some papers at once, since each process takes a moment to start."""
    sections = _whole_sections(layout)
    while batch := list(islice(sections, PAGES_PER_DOCUMENT)):
        names = [(_file_path(layout, paper), 1) for paper in batch]
        yield names, [layout.build_document(paper) for paper in batch]


def _jobs_by_folder(layout: PdfLayout) -> Iterator[ZipJob]:
    """Neighbours of one folder as one file."""
    folders = groupby(
        _whole_sections(layout), lambda paper: _folder_path(layout, paper)
    )
    count = 0
    for folder, sections in folders:
        while batch := list(islice(sections, MAX_SECTIONS_PER_FILE)):
            count += 1
            first, last = (
                truncate(_file_path(layout, batch[position]), MAX_NAME_LENGTH)
                for position in (0, -1)
            )
            name = folder or filenames.safe_filename(f"{count:04} {first} – {last}")
            documents = list(_build_documents(layout, batch))
            yield [(name, len(documents))], documents[:1]
            yield from (([], [document]) for document in documents[1:])


def _build_documents(
    layout: PdfLayout, sections: Sequence[WholeSection]
) -> Iterator[Document]:
    pending: list[Section] = []
    pages = 0.0
    for section in sections:
        section_pages = sum(map(layout.estimate_pages, section))
        if pending and pages + section_pages > MAX_PAGES_PER_DOCUMENT:
            yield layout.build_document(pending)
            pending, pages = [], 0.0
        pending += section
        pages += section_pages
    yield layout.build_document(pending)


def _whole_sections(layout: PdfLayout) -> Iterator[WholeSection]:
    pieces: WholeSection = []
    for piece in layout.sections():
        pieces.append(piece)
        if piece.is_last_piece:
            yield pieces
            pieces = []


def _file_path(layout: PdfLayout, section: WholeSection) -> str:
    """Folders where there are several, and what tells the paper from its neighbours."""
    texts = _heading_texts(layout, section)
    folders = [name for name in FOLDER_COLUMNS if name in texts]
    name_columns = (
        [name for name in FILE_NAME_COLUMNS if name in texts]
        or folders[-1:]
        or list(texts)
    )
    if layout.table.letterhead.school:
        folders = [name for name in folders if name != "school"]
    parts = [
        filenames.safe_filename(texts[name])
        for name in folders
        if name not in name_columns
    ]
    return "/".join(
        [
            *parts,
            filenames.safe_filename(" ".join(texts[name] for name in name_columns)),
        ]
    )


def _folder_path(layout: PdfLayout, section: WholeSection) -> str:
    """All folders there can be for it; empty where it belongs to no class or school."""
    texts = _heading_texts(layout, section)
    return "/".join(
        filenames.safe_filename(texts[name]) for name in FOLDER_COLUMNS if name in texts
    )


def _heading_texts(layout: PdfLayout, section: WholeSection) -> dict[str, str]:
    """What its heading says, by the names of the columns."""
    row = section[0].rows[0]
    return {
        column.name: _format_heading(column, row[index])
        for index, column in layout.column_groups.heading
        if row[index] is not None
    }


def _format_heading(column: Column, cell: Cell) -> str:
    # With as many digits as all, so that files stand in the order of the class.
    return (
        f"{cell:0{NUMBER_DIGITS}}"
        if isinstance(cell, int)
        else format_cell(column, cell)
    )


def _unique_file_name(name: str, used_names: set[str]) -> str:
    """The name with its extension, and with a number where another file has it."""
    candidate, count = name, 1
    # Some systems know no difference between large and small letters.
    while candidate.casefold() in used_names:
        count += 1
        candidate = f"{name} ({count})"
    used_names.add(candidate.casefold())
    return f"{candidate}.pdf"


def _zip_info(name: str, issued_at: datetime | None) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, issued_at.timetuple()[:6] if issued_at else ZIP_EPOCH)
    entry.create_system = 3  # whichever system writes it, the bytes are the same
    entry.external_attr = 0o644 << 16
    return entry
