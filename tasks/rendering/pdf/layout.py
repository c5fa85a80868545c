"""A table as documents for the typesetter: what stands on each paper, all of it text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import gt
from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from tasks.rendering.columns import Column, Row
from tasks.rendering.pdf.charts import charts
from tasks.rendering.pdf.column_widths import GAP, ROOM, WORD, grid, measured
from tasks.rendering.pdf.sections import Part, Shown, parts
from tasks.rendering.pdf.text import Text, cut, moment, said, typed
from tasks.rendering.table import Closing, Table

PAGES = 6
"""About as many as a document has: each takes the typesetter over a megabyte, and each
document as long as two more would, and 20 kB for its fonts."""
LINES = {False: 50, True: 30}
"""On a page upright, and across."""
FIGURE = 8
"""Characters that a column of figures takes."""

TALL = 20
"""Lines, were they full, of a cell whose row may go on on the next page; others stay together.
A page across has room for some thirty, and words that do not fit take half as many more."""

NAME = 110
"""Characters of the name that each page of a part has at its foot."""

Document = dict[str, Any]
Placed = Sequence[tuple[int, Column]]


@dataclass(frozen=True)
class Sheets:
    """The documents that a table comes to; its rows are read as they are asked for."""

    table: Table

    @cached_property
    def shown(self) -> Shown:
        return Shown(self.table.columns, self.table.layout)

    def parts(self) -> Iterator[Part]:
        return parts(self.table, self.shown)

    def documents(self) -> Iterator[Document]:
        """Each of some pages; the last has what is known once all is read."""
        held: list[Part] = []
        pages, count, is_first = 0.0, 0, True
        for part in self.parts():
            if pages >= PAGES:
                yield self.document(held, is_first=is_first)
                held, pages, is_first = [], 0.0, False
            held.append(part)
            pages += self.pages(part)
            count += not part.is_begun
        closing = self.table.close()
        yield self.document(held, closing, of_parts=count, is_first=is_first)

    def document(
        self,
        held: Sequence[Part],
        closing: Closing | None = None,
        *,
        of_parts: int = 1,
        is_first: bool = True,
    ) -> Document:
        body = self._body([row for part in held for row in part.rows])
        written = [
            [[said(column, row[place]) for place, column in body] for row in part.rows]
            for part in held
        ]
        drawn = _grid(body, written, is_wide=self.table.layout.is_wide)
        most = [TALL * (column["width"] - GAP) for column in drawn["columns"]]
        return {
            **self._frame,
            "is_first": is_first,
            "pages_before": 0,
            "pages": None,
            **drawn,
            "parts": [
                {
                    **self._part(part),
                    "rows": [list(map(typed, row)) for row in rows],
                    "tall": [
                        place
                        for place, row in enumerate(rows)
                        if any(map(gt, map(len, row), most))
                    ],
                }
                for part, rows in zip(held, written, strict=True)
            ],
            "closing": _closing(closing),
            "is_closed_apart": self.table.layout.is_paged and of_parts > 1,
        }

    def _body(self, rows: Sequence[Row]) -> Placed:
        """The columns shown; a text that is nowhere given takes no room from the others."""
        return [
            (place, column)
            for place, column in self.shown.body
            if column.type != "text" or any(row[place] is not None for row in rows)
        ]

    @cached_property
    def _frame(self) -> Document:
        about = self.table.about
        language = (get_language() or "en").split("-")
        return {
            "language": language[0],
            "region": language[1] if len(language) > 1 else None,
            "title": typed(self.table.title),
            "network": typed(about.network),
            "school": typed(about.school),
            "school_is": [typed(told) for told in self._school_is()],
            "crest": list(about.crest()),
            "facts": self._facts(),
            "is_wide": self.table.layout.is_wide,
            "is_paged": self.table.layout.is_paged,
            "signatures": [_("School secretary"), _("Head of the school")],
            "page": _("Page {number} of {total}"),
            "continued": pgettext("a table", "continued"),
            "nothing": _("There is nothing to show."),
        }

    def _school_is(self) -> Iterator[str]:
        """What stands below the school's name."""
        about = self.table.about
        if about.inep_code:
            yield f"INEP {about.inep_code}"
        if about.address:
            yield about.address

    def _facts(self) -> list[Text]:
        about = self.table.about
        facts = []
        if about.asked_by:
            facts.append(_("Asked for by %(name)s") % {"name": about.asked_by})
        if about.issued_at:
            facts.append(
                _("Issued on %(moment)s") % {"moment": moment(about.issued_at)}
            )
        if about.data_as_of:
            facts.append(_("Data of %(moment)s") % {"moment": moment(about.data_as_of)})
        if about.rules:
            facts.append(_("Rules: %(rules)s") % {"rules": "; ".join(about.rules)})
        return [typed(fact) for fact in facts]

    @cached_property
    def _heading(self) -> Placed:
        """Without the school where the letterhead says it."""
        return [
            (place, column)
            for place, column in self.shown.heading
            if not (self.table.about.school and column.name == "school")
        ]

    def _part(self, part: Part) -> Document:
        heading = _told(self._heading, part.rows[0])
        return {
            "heading": [(typed(title), typed(told)) for title, told in heading],
            "name": typed(cut(" · ".join(told for _title, told in heading), NAME)),
            "is_begun": part.is_begun,
            "is_whole": part.is_whole,
            "footing": [
                (typed(title), typed(told))
                for title, told in _told(self.shown.footing, part.rows[-1])
                if part.is_whole
            ],
            "charts": list(charts(self.shown, part)),
        }

    def pages(self, part: Part) -> float:
        """About how many pages it takes; what begins one takes the whole of it."""
        texts = [place for place, column in self.shown.body if column.type == "text"]
        figures = len(self.shown.body) - len(texts)
        room = ROOM[self.table.layout.is_wide] - FIGURE * figures
        line = max(WORD, room // max(1, len(texts)))
        lines = sum(
            1 + max((len(str(row[place])) // line for place in texts), default=0)
            for row in part.rows
        )
        taken = lines / LINES[self.table.layout.is_wide]
        return max(1.0, taken) if self.table.layout.is_paged else taken


def _grid(
    body: Placed, written: Sequence[Sequence[Sequence[str]]], *, is_wide: bool
) -> Document:
    rows = [row for part in written for row in part]
    sizes = grid(
        [
            measured(column, [row[rank] for row in rows])
            for rank, (_place, column) in enumerate(body)
        ],
        is_wide=is_wide,
    )
    columns = [
        {
            "title": typed(str(column.title)),
            "is_figure": column.type != "text",
            "width": width,
            "upright": upright,
        }
        for (_place, column), width, upright in zip(
            body, sizes.widths, sizes.upright, strict=True
        )
    ]
    return {"columns": columns, "upright": sizes.tallest, "size": sizes.size}


def _told(columns: Placed, row: Row) -> list[tuple[str, str]]:
    """Each title with its cell; what is not known is not mentioned."""
    return [
        (str(column.title), said(column, row[place]))
        for place, column in columns
        if row[place] is not None
    ]


def _closing(closing: Closing | None) -> Document | None:
    if closing is None or not (closing.summary or closing.left_out):
        return None
    return {
        "summary": typed(closing.summary),
        "left_out": [typed(reason) for reason in closing.left_out],
        "left_out_title": _("Left out"),
    }
