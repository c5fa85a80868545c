"""A report as a table: typed columns and a stream of rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.rendering.columns import Column, Row
from tasks.rendering.query_source import QuerySource


@dataclass(frozen=True)
class Letterhead:
    """What a document for people says of itself."""

    network: str = ""
    school: str = ""
    """Blank where the report is of several, as are its code and address."""
    inep_code: str = ""
    address: str = ""
    """In one line, with the city and state."""
    requested_by: str = ""
    issued_at: datetime | None = None
    """When it was asked for: not when it was made, which may be at the second attempt."""
    data_as_of: datetime | None = None
    rules: Sequence[str] = ()
    """Each profile and version that something in it was judged by."""
    load_crest: Callable[[], bytes] = bytes
    """Reads the school's own, PNG or SVG, for who draws it; empty where there is none."""


@dataclass(frozen=True)
class Layout:
    """How people like to read the rows; formats for machines look at none of it."""

    heading: Sequence[str] = ()
    """Columns that say of whom a part is: neighbouring rows with the same cells are a part.

    A part begins with these cells, and its table lacks the columns.
    """
    section_footer: Sequence[str] = ()
    """Columns of a part whose cells are the same in each row: said once, after its table."""
    page_per_section: bool = False
    """Whether each part is a paper of its own: it begins a page, and is a file of a ZIP."""
    landscape: bool = False
    """Whether its table needs the page across."""
    hidden: Sequence[str] = ()
    """Columns that paper has no room for."""
    chart: Sequence[str] = ()
    """Columns of numbers that are drawn as bars beside the table, by the first column shown."""


@dataclass(frozen=True)
class Footer:
    """What is known once all rows are read."""

    summary: str = ""
    skipped_reasons: Sequence[str] = ()
    """Each reason with its count, in words."""


def never_stop() -> None:
    """Nobody wants the writing to end."""


def ignore_progress(rows: int) -> None:
    """Nobody wants to know how many rows are written."""


@dataclass(frozen=True)
class Table:
    title: str
    columns: Sequence[Column]
    rows: Iterator[Row]
    """Read once; each row has one cell a column."""
    letterhead: Letterhead = Letterhead()
    layout: Layout = Layout()
    build_footer: Callable[[], Footer] = Footer
    """Called once all rows were read."""
    raise_if_stopped: Callable[[], None] = never_stop
    """Raises where the writing is to end; for those who work long between two rows."""
    query_source: QuerySource | None = None
    """The query that gives the same rows, for a format that lets the database write them."""
    advance: Callable[[int], None] = ignore_progress
    """Told how many more rows were written, where that is not by reading `rows`."""
