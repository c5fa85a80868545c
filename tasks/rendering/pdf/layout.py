"""Documents for the typesetter: the JSON data of each, with all values as text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import gt
from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from school.time_zones import zone_words
from tasks.rendering.columns import Column, Row
from tasks.rendering.pdf.charts import build_charts
from tasks.rendering.pdf.column_grid import build_column_grid, columns_room
from tasks.rendering.pdf.column_widths import COLUMN_GAP
from tasks.rendering.pdf.glyphs import box_note
from tasks.rendering.pdf.line_widths import is_one_line, line_height
from tasks.rendering.pdf.page_estimate import estimate_pages
from tasks.rendering.pdf.text import (
    TypstText,
    format_cell,
    format_datetime,
    to_typst,
    truncate,
)
from tasks.rendering.sections import ColumnGroups, Section, split_sections
from tasks.rendering.table import Footer, Table

PAGES_PER_DOCUMENT = 6
"""Estimated pages of a document. The typesetter needs over 1 MB per page; each document costs
as much time as two pages, and 20 kB for its fonts."""
MIN_BREAKABLE_LINES = 20
"""Full lines of a cell whose row may continue on the next page; other rows stay together.
A landscape page has room for about thirty, and broken lines take half as many more."""

MAX_FOOTER_NAME_LENGTH = 110
"""Characters of the section's name in the footer of each page."""

Document = dict[str, Any]
IndexedColumns = Sequence[tuple[int, Column]]


@dataclass(frozen=True)
class PdfLayout:
    """Layout of a table as documents; the table's rows are read lazily."""

    table: Table

    @cached_property
    def column_groups(self) -> ColumnGroups:
        return ColumnGroups(self.table.columns, self.table.layout)

    def sections(self) -> Iterator[Section]:
        return split_sections(self.table, self.column_groups)

    def documents(self) -> Iterator[Document]:
        """Yield documents of a few pages each; the last one has the footer."""
        pending: list[Section] = []
        pages, section_count, is_first = 0.0, 0, True
        for section in self.sections():
            if pages >= PAGES_PER_DOCUMENT:
                yield self.build_document(pending, is_first=is_first)
                pending, pages, is_first = [], 0.0, False
            pending.append(section)
            pages += estimate_pages(self.column_groups, section)
            section_count += not section.is_continued
        footer = self.table.build_footer()
        yield self.build_document(
            pending, footer, section_count=section_count, is_first=is_first
        )

    def build_document(
        self,
        sections: Sequence[Section],
        footer: Footer | None = None,
        *,
        section_count: int = 1,
        is_first: bool = True,
    ) -> Document:
        body_columns = self._body_columns(
            [row for section in sections for row in section.rows]
        )
        texts = [
            [
                [format_cell(column, row[index]) for index, column in body_columns]
                for row in section.rows
                # A student without subjects has a heading and a footer, but no table.
                if any(row[index] is not None for index, _column in body_columns)
            ]
            for section in sections
        ]
        columns = [column for _index, column in body_columns]
        titles = [str(column.title) for column in columns]
        column_grid = build_column_grid(
            columns,
            [row for rows in texts for row in rows],
            landscape=self.table.layout.landscape,
        )
        room = columns_room(column_grid, landscape=self.table.layout.landscape)
        max_lengths = [
            MIN_BREAKABLE_LINES * (column["width"] - COLUMN_GAP)
            for column in column_grid["columns"]
        ]
        return {
            **self._common_data,
            "is_first": is_first,
            "pages_before": 0,
            "pages": None,
            **column_grid,
            "sections": [
                {
                    **self._section_data(section, chain(titles, *rows)),
                    "rows": [list(map(to_typst, row)) for row in rows],
                    "one_line": [is_one_line(row, room) for row in rows],
                    "breakable": [
                        index
                        for index, row in enumerate(rows)
                        if any(map(gt, map(len, row), max_lengths))
                    ],
                }
                for section, rows in zip(sections, texts, strict=True)
            ],
            "footer": _footer_data(footer),
            "has_footer_page": self.table.layout.page_per_section and section_count > 1,
        }

    def _body_columns(self, rows: Sequence[Row]) -> IndexedColumns:
        """Return the table's columns, without text columns that are empty in all rows."""
        return [
            (index, column)
            for index, column in self.column_groups.body
            if column.type != "text" or any(row[index] is not None for row in rows)
        ]

    @cached_property
    def _common_data(self) -> Document:
        letterhead = self.table.letterhead
        language = (get_language() or "en").split("-")
        return {
            "language": language[0],
            "region": language[1] if len(language) > 1 else None,
            "title": to_typst(self.table.title),
            "full_title": to_typst(self.table.full_title),
            "is_partial": self.table.is_partial,
            "partial_label": _("PARTIAL"),
            "partial_note": _(
                "The school year is open: grades or concepts, attendance and situations may still change."
            ),
            "network": to_typst(letterhead.network),
            "school": to_typst(letterhead.school),
            "school_details": [to_typst(line) for line in self._school_details()],
            "crest": list(letterhead.load_crest()),
            "facts": self._issue_facts(),
            "landscape": self.table.layout.landscape,
            "page_per_section": self.table.layout.page_per_section,
            "signatures": [_("School secretary"), _("Head of the school")],
            "page_label": _("Page {number} of {total}"),
            "continued_label": pgettext("a table", "continued"),
            "empty_message": _("There is nothing to show."),
            "line_height": line_height(),
            "head_note": box_note([self.table.title, *letterhead.texts()]),
        }

    def _school_details(self) -> Iterator[str]:
        """Yield the lines below the school's name."""
        letterhead = self.table.letterhead
        if letterhead.inep_code:
            yield f"INEP {letterhead.inep_code}"
        if letterhead.address:
            yield letterhead.address

    def _issue_facts(self) -> list[TypstText]:
        letterhead = self.table.letterhead
        facts = []
        if letterhead.requested_by:
            facts.append(_("Requested by %(name)s") % {"name": letterhead.requested_by})
        if letterhead.issued_at:
            facts.append(
                _("Issued on %(datetime)s (%(zone)s)")
                % {
                    "datetime": format_datetime(letterhead.issued_at),
                    "zone": zone_words(letterhead.issued_at),
                }
            )
        if letterhead.data_as_of:
            facts.append(
                _("Data of %(datetime)s")
                % {"datetime": format_datetime(letterhead.data_as_of)}
            )
        if letterhead.rules:
            facts.append(_("Rules: %(rules)s") % {"rules": "; ".join(letterhead.rules)})
        return [to_typst(fact) for fact in facts]

    @cached_property
    def _heading_columns(self) -> IndexedColumns:
        """Heading columns, without the school if the letterhead has it."""
        return [
            (index, column)
            for index, column in self.column_groups.heading
            if not (self.table.letterhead.school and column.name == "school")
        ]

    def _section_data(self, section: Section, texts: Iterable[str]) -> Document:
        """Build the data of a section whose table has these texts."""
        heading = _titled_cells(self._heading_columns, section.rows[0])
        section_footer = (
            _titled_cells(self.column_groups.section_footer, section.rows[-1])
            if section.is_last_piece
            else []
        )
        return {
            "heading": [(to_typst(title), to_typst(text)) for title, text in heading],
            "name": to_typst(
                truncate(
                    " · ".join(text for _title, text in heading), MAX_FOOTER_NAME_LENGTH
                )
            ),
            "is_partial": self.column_groups.is_partial(section.rows),
            "is_continued": section.is_continued,
            "is_last_piece": section.is_last_piece,
            "section_footer": [
                (to_typst(title), to_typst(text)) for title, text in section_footer
            ],
            "note": box_note(chain(texts, *heading, *section_footer)),
            "charts": list(build_charts(self.column_groups, section)),
        }


def _titled_cells(columns: IndexedColumns, row: Row) -> list[tuple[str, str]]:
    """Return the title and text of each cell that is not empty."""
    return [
        (str(column.title), format_cell(column, row[index]))
        for index, column in columns
        if row[index] is not None
    ]


def _footer_data(footer: Footer | None) -> Document | None:
    if footer is None or not (footer.summary or footer.skipped_reasons):
        return None
    return {
        "summary": to_typst(footer.summary),
        "skipped_reasons": [to_typst(reason) for reason in footer.skipped_reasons],
        "skipped_title": _("Left out"),
        "note": box_note([footer.summary]),
    }
