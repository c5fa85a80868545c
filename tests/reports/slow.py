"""Report that runs for a given time and shows its progress."""

import time
from collections.abc import Iterator, Sequence

from pydantic import Field

from school.models import Role
from tasks.rendering.columns import Column, Row
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report

ROWS_PER_SECOND = 20


class Parameters(ReportParameters):
    seconds: float = Field(default=1.0, ge=0, le=600)


class Slow(Report[Parameters]):
    title = "Slow"
    description = "Yields rows for a given time."
    allowed_roles = frozenset(Role)
    example = {"seconds": 0.1}

    def columns(self) -> Sequence[Column]:
        return [Column("number", "Number", "integer")]

    def rows(self) -> Iterator[Row]:
        for number in range(self.total()):
            time.sleep(1 / ROWS_PER_SECOND)
            yield (number,)

    def total(self) -> int:
        return round(self.parameters.seconds * ROWS_PER_SECOND)
