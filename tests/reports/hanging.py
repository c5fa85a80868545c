"""A report that computes for ever and never looks up."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from school.models import Role
from tasks.asking.parameters import ReportParameters
from tasks.reports.base import Report
from tasks.tables.columns import Column, Row


class Hanging(Report[ReportParameters]):
    title = "Hanging"
    description = "Hangs past its time limit."
    audience = frozenset(Role)
    example: dict[str, int] = {}
    time_limit = timedelta(seconds=4)

    def columns(self) -> Sequence[Column]:
        return [Column("number", "Number", "integer")]

    def rows(self) -> Iterator[Row]:
        while True:
            pass
        yield (1,)

    def total(self) -> int:
        return 1
