"""What every kind of report has, and what it is given to work with."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar, get_args

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from school.access import Reach
from school.models import Enrolment, Role
from school.records.enrolment_rows import ambiguous_school_labels
from tasks.rendering.columns import Column, Row
from tasks.rendering.query_source import QuerySource
from tasks.rendering.table import Footer, Layout, Letterhead, Table
from tasks.reporting import parameter_messages, skipped
from tasks.reporting.parameters import ReportParameters

P = TypeVar("P", bound=ReportParameters)


class Report(ABC, Generic[P]):
    """A kind of report: data about it, its columns, and its rows.

    A subclass names its parameters model in brackets. It is handed the enrolments that
    the viewer may see and the parameters speak of, and must begin every query there: so
    it cannot forget a permission.
    """

    title: ClassVar[str | Promise]
    description: ClassVar[str | Promise]
    allowed_roles: ClassVar[frozenset[Role]]
    """The roles that may ask for it."""
    example: ClassVar[Mapping[str, Any]]
    """Parameters that give a report on the demo network."""
    formats: ClassVar[Sequence[str]] = ("json", "jsonl", "csv", "csv-br", "xlsx", "pdf")
    queue: ClassVar[str] = "reports"
    bulk_queue: ClassVar[str | None] = None
    """Where it waits instead if it is of so many students that others would wait for it."""
    time_limit: ClassVar[timedelta] = timedelta(minutes=5)
    """For one attempt."""
    retention: ClassVar[timedelta | None] = None
    """How long what it made and was asked with is kept; None is as the settings say."""
    layout: ClassVar[Layout] = Layout()
    """How people like to read it."""
    reach: ClassVar[Reach] = Reach.SELECTED
    """What it looks at beyond the enrolments that are asked for."""

    def __init__(
        self,
        parameters: P,
        enrolments: QuerySet[Enrolment],
        reachable: QuerySet[Enrolment] | None = None,
    ) -> None:
        self.parameters = parameters
        self.enrolments = enrolments
        self.reachable = enrolments if reachable is None else reachable
        """The enrolments within `reach`, of which those asked for are a part."""

    @classmethod
    def kind(cls) -> str:
        """Its name in the API: its module's."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def parameters_model(cls) -> type[ReportParameters]:
        model: type[ReportParameters] = get_args(cls.__orig_bases__[0])[0]  # type: ignore[attr-defined]
        return model

    @classmethod
    def parameters_schema(cls) -> dict[str, Any]:
        """The JSON Schema of its parameters, in the language that is active."""
        schema: dict[str, Any] = parameter_messages.translate_schema(
            cls.parameters_model().model_json_schema()
        )
        return schema

    @abstractmethod
    def columns(self) -> Sequence[Column]: ...

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield each row as it comes from the database; one cell a column."""

    @abstractmethod
    def total(self) -> int | None:
        """How many rows there will be, if that is known; for the progress."""

    def school_label(self, id: int, name: str) -> str:
        """What rows call it: by its INEP code too where its network has another of the name."""
        return self._ambiguous_school_labels.get(id, name)

    def full_title(self) -> str:
        """The title, with what the parameters make of it."""
        return str(self.title)

    def empty_reason(self) -> str:
        """Why there is no row, where there is none."""
        if not self.enrolments.exists():
            return _("No student is enrolled in what was asked for.")
        return _("Students are enrolled, but nothing is recorded for them yet.")

    def summary(self) -> str | None:
        """What the rows say all together; asked once they are all read."""
        return None

    def skipped_counts(self) -> Mapping[str, int]:
        """How many records were left out, by why; asked once all rows are read."""
        return {}

    def summary_text(self, rows: int) -> str | None:
        """The summary of so many rows, which are all; of none, why there is none."""
        return self.summary() if rows else self.empty_reason()

    def footer(self, rows: int) -> Footer:
        """What a paper ends with after so many rows, which are all."""
        reasons = [f"{r['detail']} ({r['count']})" for r in self.skipped["reasons"]]
        return Footer(self.summary_text(rows) or "", reasons)

    @cached_property
    def skipped(self) -> dict[str, Any]:
        """What was left out, in words; asked once all rows are read."""
        return skipped.describe_skipped(self.skipped_counts())

    @cached_property
    def _ambiguous_school_labels(self) -> Mapping[int, str]:
        return ambiguous_school_labels()

    def rules(self) -> Sequence[str]:
        """The profiles and versions by which something in it is judged, for people."""
        return ()

    def query_source(self) -> QuerySource | None:
        """The one query that gives the rows, where they need no Python."""
        return None

    def build_table(self, letterhead: Letterhead | None = None) -> Table:
        return Table(
            self.full_title(),
            self.columns(),
            self.rows(),
            letterhead=letterhead or Letterhead(),
            layout=self.layout,
            query_source=self.query_source(),
        )
