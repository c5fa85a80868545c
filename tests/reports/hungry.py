"""A report that eats memory until it is stopped."""

import time
from collections.abc import Iterator, Sequence

from school.models import Role
from tasks.parameters import ReportParameters
from tasks.reports.base import Report
from tasks.tables import Column, Row

BITE_BYTES = 32 * 1024 * 1024
BITES = 48
"""A gigabyte and a half, where it gives up by itself so that the machine survives."""


class Hungry(Report[ReportParameters]):
    title = "Hungry"
    description = "Eats memory until it is stopped."
    audience = frozenset(Role)
    example: dict[str, int] = {}

    def columns(self) -> Sequence[Column]:
        return [Column("number", "Number", "integer")]

    def rows(self) -> Iterator[Row]:
        eaten = []
        for number in range(BITES):
            eaten.append(b"\1" * BITE_BYTES)  # not zeros, which would cost nothing
            time.sleep(0.1)
            yield (number,)

    def total(self) -> int:
        return BITES
