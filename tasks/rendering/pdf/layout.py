"""A table as documents for the typesetter: what stands on each paper, all of it text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import gt
from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from tasks.rendering.columns import Column, Row
from tasks.rendering.pdf.charts import build_charts
from tasks.rendering.pdf.column_widths import (
    COLUMN_GAP,
    LINE_LENGTH,
    MAX_UNBROKEN_WORD,
    fit_columns,
    measure_column,
)
from tasks.rendering.pdf.sections import ColumnGroups, Section, split_sections
from tasks.rendering.pdf.text import (
    TypstText,
    format_cell,
    format_datetime,
    to_typst,
    truncate,
)
from tasks.rendering.table import Footer, Table

PAGES_PER_DOCUMENT = 6
"""About as many as a document has: each takes the typesetter over a megabyte, and each
document as long as two more would, and 20 kB for its fonts."""
LINES_PER_PAGE = {False: 50, True: 30}
"""On a page upright, and across."""
NUMBER_COLUMN_WIDTH = 8
"""Characters that a column of figures takes."""

MIN_BREAKABLE_LINES = 20
"""Lines, were they full, of a cell whose row may go on on the next page; others stay together.
A page across has room for some thirty, and words that do not fit take half as many more."""

MAX_FOOTER_NAME_LENGTH = 110
"""Characters of the name that each page of a part has at its foot."""

Document = dict[str, Any]
IndexedColumns = Sequence[tuple[int, Column]]


@dataclass(frozen=True)
class PdfLayout:
    """The documents that a table comes to; its rows are read as they are asked for."""

    table: Table

    @cached_property
    def column_groups(self) -> ColumnGroups:
        return ColumnGroups(self.table.columns, self.table.layout)

    def sections(self) -> Iterator[Section]:
        return split_sections(self.table, self.column_groups)

    def documents(self) -> Iterator[Document]:
        """Each of some pages; the last has what is known once all is read."""
        pending: list[Section] = []
        pages, section_count, is_first = 0.0, 0, True
        for section in self.sections():
            if pages >= PAGES_PER_DOCUMENT:
                yield self.build_document(pending, is_first=is_first)
                pending, pages, is_first = [], 0.0, False
            pending.append(section)
            pages += self.estimate_pages(section)
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
                for row in part.rows
            ]
            for part in sections
        ]
        column_data = _column_data(
            body_columns, texts, landscape=self.table.layout.landscape
        )
        max_lengths = [
            MIN_BREAKABLE_LINES * (column["width"] - COLUMN_GAP)
            for column in column_data["columns"]
        ]
        return {
            **self._common_data,
            "is_first": is_first,
            "pages_before": 0,
            "pages": None,
            **column_data,
            "sections": [
                {
                    **self._section_data(part),
                    "rows": [list(map(to_typst, row)) for row in rows],
                    "breakable": [
                        place
                        for place, row in enumerate(rows)
                        if any(map(gt, map(len, row), max_lengths))
                    ],
                }
                for part, rows in zip(sections, texts, strict=True)
            ],
            "footer": _footer_data(footer),
            "has_footer_page": self.table.layout.page_per_section and section_count > 1,
        }

    def _body_columns(self, rows: Sequence[Row]) -> IndexedColumns:
        """The columns shown; a text that is nowhere given takes no room from the others."""
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
        }

    def _school_details(self) -> Iterator[str]:
        """What stands below the school's name."""
        letterhead = self.table.letterhead
        if letterhead.inep_code:
            yield f"INEP {letterhead.inep_code}"
        if letterhead.address:
            yield letterhead.address

    def _issue_facts(self) -> list[TypstText]:
        letterhead = self.table.letterhead
        facts = []
        if letterhead.requested_by:
            facts.append(_("Asked for by %(name)s") % {"name": letterhead.requested_by})
        if letterhead.issued_at:
            facts.append(
                _("Issued on %(moment)s")
                % {"moment": format_datetime(letterhead.issued_at)}
            )
        if letterhead.data_as_of:
            facts.append(
                _("Data of %(moment)s")
                % {"moment": format_datetime(letterhead.data_as_of)}
            )
        if letterhead.rules:
            facts.append(_("Rules: %(rules)s") % {"rules": "; ".join(letterhead.rules)})
        return [to_typst(fact) for fact in facts]

    @cached_property
    def _heading_columns(self) -> IndexedColumns:
        """Without the school where the letterhead says it."""
        return [
            (index, column)
            for index, column in self.column_groups.heading
            if not (self.table.letterhead.school and column.name == "school")
        ]

    def _section_data(self, section: Section) -> Document:
        heading = _titled_cells(self._heading_columns, section.rows[0])
        return {
            "heading": [(to_typst(title), to_typst(told)) for title, told in heading],
            "name": to_typst(
                truncate(
                    " · ".join(told for _title, told in heading), MAX_FOOTER_NAME_LENGTH
                )
            ),
            "is_continued": section.is_continued,
            "is_last_piece": section.is_last_piece,
            "section_footer": [
                (to_typst(title), to_typst(told))
                for title, told in _titled_cells(
                    self.column_groups.section_footer, section.rows[-1]
                )
                if section.is_last_piece
            ],
            "charts": list(build_charts(self.column_groups, section)),
        }

    def estimate_pages(self, section: Section) -> float:
        """About how many pages it takes; what begins one takes the whole of it."""
        text_indexes = [
            index for index, column in self.column_groups.body if column.type == "text"
        ]
        number_columns = len(self.column_groups.body) - len(text_indexes)
        text_width = (
            LINE_LENGTH[self.table.layout.landscape]
            - NUMBER_COLUMN_WIDTH * number_columns
        )
        line_length = max(MAX_UNBROKEN_WORD, text_width // max(1, len(text_indexes)))
        lines = sum(
            1
            + max(
                (len(str(row[place])) // line_length for place in text_indexes),
                default=0,
            )
            for row in section.rows
        )
        pages = lines / LINES_PER_PAGE[self.table.layout.landscape]
        return max(1.0, pages) if self.table.layout.page_per_section else pages


def _column_data(
    body_columns: IndexedColumns,
    texts: Sequence[Sequence[Sequence[str]]],
    *,
    landscape: bool,
) -> Document:
    rows = [row for part in texts for row in part]
    sizes = fit_columns(
        [
            measure_column(column, [row[rank] for row in rows])
            for rank, (_index, column) in enumerate(body_columns)
        ],
        landscape=landscape,
    )
    columns = [
        {
            "title": to_typst(str(column.title)),
            "is_numeric": column.type != "text",
            "width": width,
            "rotated": rotated,
        }
        for (_place, column), width, rotated in zip(
            body_columns, sizes.widths, sizes.rotated, strict=True
        )
    ]
    return {
        "columns": columns,
        "rotated_title_length": sizes.rotated_title_length,
        "size": sizes.size,
    }


def _titled_cells(columns: IndexedColumns, row: Row) -> list[tuple[str, str]]:
    """Each title with its cell; what is not known is not mentioned."""
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
    }
