"""A report that hangs inside C code, where no other thread of its process runs."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from school.models import Role
from tasks.parameters import ReportParameters
from tasks.reports.base import Report
from tasks.tables import Column, Row


class StuckInC(Report[ReportParameters]):
    title = "Stuck in C"
    description = "Hangs in a regular expression that never lets go of the interpreter."
    audience = frozenset(Role)
    example: dict[str, int] = {}
    time_limit = timedelta(seconds=4)

    def columns(self) -> Sequence[Column]:
        return [Column("number", "Number", "integer")]

    def rows(self) -> Iterator[Row]:
        re.match(r"(a+)+$", "a" * 60 + "b")
        yield (1,)

    def total(self) -> int:
        return 1
