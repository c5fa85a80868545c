"""Report tables: typed columns, a stream of rows, and layout hints for documents."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import compress

from django.utils.translation import gettext as _

from tasks.rendering.columns import Audience, Column, Row
from tasks.rendering.query_source import QuerySource


@dataclass(frozen=True)
class Letterhead:
    """Origin of a document for people: school, viewer, time and rules."""

    network: str = ""
    school: str = ""
    """Name of the school; blank, like its code and address, if the report has several."""
    inep_code: str = ""
    address: str = ""
    """Address in one line, with the city and state."""
    requested_by: str = ""
    issued_at: datetime | None = None
    """Time of the request, in the time zone of the paper. It is the day of the whole report:
    the time of rendering would differ in a second attempt, and pass midnight."""
    data_as_of: datetime | None = None
    rules: Sequence[str] = ()
    """Labels of the rule profiles and versions that the report applies."""
    load_crest: Callable[[], bytes] = bytes
    """Loads the school's crest, a PNG; returns empty bytes if there is none."""

    @property
    def time_zone(self) -> tzinfo | None:
        return self.issued_at.tzinfo if self.issued_at else None

    def texts(self) -> Sequence[str]:
        """Return the texts that people have entered."""
        return [
            self.network,
            self.school,
            self.address,
            self.requested_by,
            *self.rules,
        ]


@dataclass(frozen=True)
class Layout:
    """Layout of the rows in documents for people; formats for programs ignore it."""

    heading: Sequence[str] = ()
    """Columns that identify a section: neighbouring rows with equal cells form a section.

    These cells are the section's heading and are left out of its table.
    """
    section_footer: Sequence[str] = ()
    """Columns whose cells are equal in all rows of a section: printed once, after its table."""
    page_per_section: bool = False
    """True if each section begins a page and can be its own file in a ZIP."""
    landscape: bool = False
    """True if the table needs landscape pages."""
    hidden: Sequence[str] = ()
    """Columns that are left out of PDF tables for lack of room."""
    partial: str = ""
    """Boolean column that is true in rows of an open year: their section is marked as partial
    and has no signature lines."""
    chart: Sequence[str] = ()
    """Numeric columns that are drawn as bars, grouped by the first column of the table."""


@dataclass(frozen=True)
class Footer:
    """Closing text of a document; known once all rows are read."""

    summary: str = ""
    skipped_reasons: Sequence[str] = ()
    """Each reason for skipped records, with its count."""


def never_stop() -> None:
    """Do nothing: default for `Table.raise_if_stopped`."""


def ignore_progress(rows: int) -> None:
    """Do nothing: default for `Table.advance`."""


@dataclass(frozen=True)
class Table:
    title: str
    columns: Sequence[Column]
    rows: Iterator[Row]
    """Rows with one cell per column; they can be read only once."""
    letterhead: Letterhead = Letterhead()
    layout: Layout = Layout()
    build_footer: Callable[[], Footer] = Footer
    """Builds the footer; called once all rows are read."""
    raise_if_stopped: Callable[[], None] = never_stop
    """Raises if the report must stop; called by formats that work long between two rows."""
    query_source: QuerySource | None = None
    """Query of the same rows, for formats that let the database write them."""
    advance: Callable[[int], None] = ignore_progress
    """Reports a number of further rows written, for formats that do not read `rows`."""
    is_partial: bool = False
    """True if some results are of an open year and may change."""

    def for_audience(self, audience: Audience) -> "Table":
        """Return the table with the columns that formats for this audience have."""
        is_shown = [
            audience in {"programs", column.audience} for column in self.columns
        ]
        if all(is_shown):
            return self
        return replace(
            self,
            columns=list(compress(self.columns, is_shown)),
            rows=(tuple(compress(row, is_shown)) for row in self.rows),
            query_source=None,  # its rows have all columns
        )

    @property
    def full_title(self) -> str:
        """Title, marked if some results are partial."""
        # The mark comes first: the name of a sheet has room for 31 characters only.
        return f"{_('PARTIAL')} – {self.title}" if self.is_partial else self.title
