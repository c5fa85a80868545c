"""Report that allocates memory until it is stopped, at most 1.5 GB."""

from collections.abc import Iterator, Sequence

from school.models import Role
from tasks.rendering.columns import Column, Row
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report

CHUNK_BYTES = 10 * 1024 * 1024
CHUNK_COUNT = 150


class Hungry(Report[ReportParameters]):
    title = "Hungry"
    description = "Eats memory until it is stopped."
    allowed_roles = frozenset(Role)
    example: dict[str, int] = {}

    def columns(self) -> Sequence[Column]:
        return [Column("bites", "Bites", "integer")]

    def rows(self) -> Iterator[Row]:
        chunks = []
        for _ in range(CHUNK_COUNT):
            chunks.append(b"x" * CHUNK_BYTES)
            yield (len(chunks),)

    def total(self) -> int:
        return CHUNK_COUNT
