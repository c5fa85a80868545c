"""Report that computes in C code and holds the GIL, so that no other thread runs."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from school.models import Role
from tasks.rendering.columns import Column, Row
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report


class StuckInC(Report[ReportParameters]):
    title = "Stuck in C"
    description = "Holds Python's lock past its time limit."
    allowed_roles = frozenset(Role)
    example: dict[str, int] = {}
    time_limit = timedelta(seconds=10)

    def columns(self) -> Sequence[Column]:
        return [Column("number", "Number", "integer")]

    def rows(self) -> Iterator[Row]:
        yield (sum(range(10**14)),)

    def total(self) -> int:
        return 1
