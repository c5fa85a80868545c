"""Report that fails because of its data or its code."""

from collections.abc import Iterator, Sequence
from typing import Literal

from school.models import Role
from tasks.failures import DataError
from tasks.rendering.columns import Column, Row
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report


class Parameters(ReportParameters):
    of: Literal["data", "code"] = "code"


class Failing(Report[Parameters]):
    title = "Failing"
    description = "Fails after its first row."
    allowed_roles = frozenset(Role)
    example = {"of": "data"}

    def columns(self) -> Sequence[Column]:
        return [Column("number", "Number", "integer")]

    def rows(self) -> Iterator[Row]:
        yield (1,)
        if self.parameters.of == "data":
            raise DataError("Enrolment 7 has a grade in a term that is not there.")
        raise RuntimeError("internal secret")

    def total(self) -> int:
        return 2
