"""Report that computes until its time limit, then hangs without checking for a stop."""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

from school.models import Role
from tasks.rendering.columns import Column, Row
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report


class Hanging(Report[ReportParameters]):
    title = "Hanging"
    description = "Hangs past its time limit."
    allowed_roles = frozenset(Role)
    example: dict[str, int] = {}
    time_limit = timedelta(seconds=4)

    def columns(self) -> Sequence[Column]:
        return [Column("number", "Number", "integer")]

    def rows(self) -> Iterator[Row]:
        limit = time.monotonic() + self.time_limit.total_seconds()
        while time.monotonic() < limit:
            pass  # the heartbeat thread must still get the GIL
        while True:
            time.sleep(60)
        yield (1,)

    def total(self) -> int:
        return 1
