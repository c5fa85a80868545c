"""ZIP: the sections of a report as PDF files, named after their students or classes.

A report of one school or class has one file per section, in folders by year and class. A
report of several schools has one file per class, in folders by school and year, because a
file per student would be too many to open. Sections without a class are then grouped into
files that are named after their first and last section.
"""

import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby, islice
from typing import IO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.rendering import filenames
from tasks.rendering.columns import Cell, Column
from tasks.rendering.format import Format
from tasks.rendering.pdf import glyphs
from tasks.rendering.pdf.layout import PAGES_PER_DOCUMENT, Document, PdfLayout
from tasks.rendering.pdf.merger import PdfMerger
from tasks.rendering.pdf.page_estimate import estimate_pages
from tasks.rendering.pdf.text import format_cell, truncate
from tasks.rendering.pdf.typesetter import TypesetterPool
from tasks.rendering.sections import Section
from tasks.rendering.table import Table

FOLDER_COLUMNS = ("school", "year", "class")
"""Heading columns that become folders, if the heading also has other columns."""
FILE_NAME_COLUMNS = ("number", "student")
"""Heading columns that become the file name, if the heading has them."""
NUMBER_DIGITS = 2
"""Digits of a student's number in the class, zero-padded."""
MAX_SECTIONS_PER_FILE = 100
"""Sections in one file; a class with more continues in another file."""
MAX_PAGES_PER_DOCUMENT = 13
"""Pages that one process typesets for a class's file: half of most classes. A whole class takes
over 20 MB more memory; fewer pages make a larger file, since each document embeds its fonts."""
MAX_NAME_LENGTH = 50
"""Characters of each name in a file name made of two names."""
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

WholeSection = list[Section]
"""All pieces of one section."""
ZipJob = tuple[list[tuple[str, int]], list[Document]]
"""Names of the files that start with the job, each with its number of documents, and the
documents of the job."""


class Zip(Format):
    label = gettext_lazy("ZIP of PDFs")
    media_type = "application/zip"
    extension = "zip"
    audience = "people"
    lacks_signs = True

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        files: deque[tuple[str, int]] = deque()
        issued_at = table.letterhead.issued_at
        with (
            TypesetterPool(table, file) as typesetters,
            # Uncompressed: PDFs are already compressed.
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

    def can_show(self, text: str) -> bool:
        return glyphs.can_set(text)


def _plan_jobs(
    layout: PdfLayout, files: deque[tuple[str, int]]
) -> Iterator[Sequence[Document]]:
    """Yield the documents of each job; append the files that it starts to `files` first."""
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
    """Yield jobs of several sections each, because a process takes time to start."""
    sections = _whole_sections(layout)
    while batch := list(islice(sections, PAGES_PER_DOCUMENT)):
        names = [(_file_path(layout, section), 1) for section in batch]
        yield names, [layout.build_document(section) for section in batch]


def _jobs_by_folder(layout: PdfLayout) -> Iterator[ZipJob]:
    """Yield jobs in which neighbouring sections of one folder form one file."""
    folders = groupby(
        _whole_sections(layout), lambda section: _folder_path(layout, section)
    )
    count = 0
    for folder, sections in folders:
        while batch := list(islice(sections, MAX_SECTIONS_PER_FILE)):
            count += 1
            first, last = (
                truncate(_file_path(layout, batch[index]), MAX_NAME_LENGTH)
                for index in (0, -1)
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
        section_pages = sum(
            estimate_pages(layout.column_groups, piece) for piece in section
        )
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
    """Return the path of a section's own file: its folders, if any, and a distinct name."""
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
    """Return the path of all folder columns; empty if the section has no school or class."""
    texts = _heading_texts(layout, section)
    return "/".join(
        filenames.safe_filename(texts[name]) for name in FOLDER_COLUMNS if name in texts
    )


def _heading_texts(layout: PdfLayout, section: WholeSection) -> dict[str, str]:
    """Return the texts of the section's heading by column name."""
    row = section[0].rows[0]
    return {
        column.name: _format_heading(column, row[index])
        for index, column in layout.column_groups.heading
        if row[index] is not None
    }


def _format_heading(column: Column, cell: Cell) -> str:
    # Zero-padded, so that files sort in the order of the class.
    return (
        f"{cell:0{NUMBER_DIGITS}}"
        if isinstance(cell, int)
        else format_cell(column, cell)
    )


def _unique_file_name(name: str, used_names: set[str]) -> str:
    """Return the name with its extension, numbered if another file already uses it."""
    candidate, count = name, 1
    # Some file systems ignore case.
    while candidate.casefold() in used_names:
        count += 1
        candidate = f"{name} ({count})"
    used_names.add(candidate.casefold())
    return f"{candidate}.pdf"


def _zip_info(name: str, issued_at: datetime | None) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, issued_at.timetuple()[:6] if issued_at else ZIP_EPOCH)
    entry.create_system = 3  # Unix, so that every system writes the same bytes
    entry.external_attr = 0o644 << 16
    return entry
