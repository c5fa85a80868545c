"""Base class of all report kinds."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, Generic, Self, TypeVar, get_args

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from school.access import Reach
from school.models import Enrolment, Role, User
from school.records.enrolment_rows import ambiguous_school_labels
from tasks.rendering.columns import Column, Row
from tasks.rendering.format_registry import default_formats
from tasks.rendering.query_source import QuerySource
from tasks.rendering.table import Footer, Layout, Letterhead, Table
from tasks.reporting import parameter_messages, skipped
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.selection import Selection, select
from tasks.reporting.unshown_texts import UnshownTexts

P = TypeVar("P", bound=ReportParameters)


class Report(ABC, Generic[P]):
    """A report kind: its metadata, columns and rows.

    A subclass gives its parameters model in brackets: `Report[Parameters]`. An instance
    receives the enrolments that the viewer may see and the parameters select, and must start
    every query from them: this enforces the viewer's permissions.
    """

    title: ClassVar[str | Promise]
    description: ClassVar[str | Promise]
    allowed_roles: ClassVar[frozenset[Role]]
    """Roles that may request the report."""
    example: ClassVar[Mapping[str, Any]]
    """Parameters that produce rows on the demo network."""
    formats: ClassVar[Sequence[str]] = default_formats()
    """Names of the offered formats; the first is the example's in the catalogue."""
    queue: ClassVar[str] = "reports"
    bulk_queue: ClassVar[str | None] = None
    """Celery queue for reports with so many students that they would delay other reports."""
    time_limit: ClassVar[timedelta] = timedelta(minutes=5)
    """Time limit of one attempt."""
    retention: ClassVar[timedelta | None] = None
    """Retention of the artifact and parameters; None uses the setting."""
    layout: ClassVar[Layout] = Layout()
    """Layout in the formats that people read."""
    progress_unit: ClassVar[str] = "rows"
    """What a row stands for, in the progress: a key of `tasks.progress.UNIT_LABELS`."""
    reach: ClassVar[Reach] = Reach.SELECTED
    """Records that the report reads beyond the selected enrolments."""

    def __init__(
        self,
        parameters: P,
        enrolments: QuerySet[Enrolment],
        reachable: QuerySet[Enrolment] | None = None,
    ) -> None:
        self.parameters = parameters
        self.enrolments = enrolments
        self.reachable = enrolments if reachable is None else reachable
        """The enrolments within `reach`: a superset of the selected ones."""
        self.unshown_texts = UnshownTexts()
        """Texts that the format cannot show; complete once all rows are read."""

    @classmethod
    def kind(cls) -> str:
        """Return the report's name in the API, which is its module's name."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def parameters_model(cls) -> type[ReportParameters]:
        model: type[ReportParameters] = get_args(cls.__orig_bases__[0])[0]  # type: ignore[attr-defined]
        return model

    @classmethod
    def parameters_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of the parameters, as `model_schema` does."""
        return parameter_messages.model_schema(cls.parameters_model())

    @classmethod
    def select(cls, viewer: User, values: object) -> Selection[ReportParameters]:
        """Select what the viewer may see for these parameter values, within the reach.

        Raises `InvalidRequest` for values that the parameters model refuses.
        """
        return select(viewer, cls.parameters_model(), values, reach=cls.reach)

    @classmethod
    def build(cls, selection: Selection[Any]) -> Self:
        """Create the report of a selection."""
        return cls(selection.parameters, selection.enrolments, selection.reachable)

    @abstractmethod
    def columns(self) -> Sequence[Column]: ...

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield each row as it comes from the database, with one cell per column."""

    @abstractmethod
    def total(self) -> int | None:
        """Return the number of rows for the progress; None if it is not known in advance."""

    def school_label(self, id: int, name: str) -> str:
        """Return a school's name, with its INEP code if another school has the same name."""
        return self._ambiguous_school_labels.get(id, name)

    def full_title(self) -> str:
        """Return the title of a report with these parameters."""
        return str(self.title)

    def is_partial(self) -> bool:
        """Return whether some results are of an open year, so that they may change."""
        return False

    def empty_reason(self) -> str:
        """Return the reason for a report without rows."""
        if not self.enrolments.exists():
            return _("No student is enrolled in the requested selection.")
        return _("Students are enrolled, but nothing is recorded for them yet.")

    def summary(self) -> str | None:
        """Return a summary of all rows; called once all rows are read."""
        return None

    def skipped_counts(self) -> Mapping[str, int]:
        """Return the number of skipped records by reason; called once all rows are read."""
        return {}

    def summary_text(self, rows: int) -> str | None:
        """Return the summary of all rows; for 0 rows, the reason why there are none."""
        return self.footer_text(rows)

    def footer_text(self, rows: int) -> str | None:
        """Return the part of the summary that documents repeat at their end."""
        return self.summary() if rows else self.empty_reason()

    def footer(self, rows: int) -> Footer:
        """Return the footer of a document; `rows` is the number of all rows."""
        reasons = [f"{r['detail']} ({r['count']})" for r in self.skipped["reasons"]]
        return Footer(self.footer_text(rows) or "", reasons)

    @cached_property
    def skipped(self) -> dict[str, Any]:
        """Description of the skipped records; read once all rows are read."""
        return skipped.describe_skipped(self.skipped_counts(), self.unshown_texts)

    @cached_property
    def _ambiguous_school_labels(self) -> Mapping[int, str]:
        return ambiguous_school_labels()

    def rules(self) -> Sequence[str]:
        """Return the labels of the rule profiles and versions that the report applies."""
        return ()

    def query_source(self) -> QuerySource | None:
        """Return the single query that yields the rows; None if rows need Python."""
        return None

    def build_table(self, letterhead: Letterhead | None = None) -> Table:
        return Table(
            self.full_title(),
            self.columns(),
            self.rows(),
            letterhead=letterhead or Letterhead(),
            layout=self.layout,
            is_partial=self.is_partial(),
            query_source=self.query_source(),
        )
