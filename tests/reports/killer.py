"""Report that kills its worker process a given number of times."""

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from school.models import Role
from tasks.rendering.columns import Column, Row
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report


class Parameters(ReportParameters):
    tally: str
    """Path of a file whose size counts the kills."""
    times: int = 1


class Killer(Report[Parameters]):
    title = "Killer"
    description = "Kills the process that makes it, until it has done so often enough."
    allowed_roles = frozenset(Role)
    example = {"tally": "/dev/null", "times": 0}

    def columns(self) -> Sequence[Column]:
        return [Column("deaths", "Deaths", "integer")]

    def rows(self) -> Iterator[Row]:
        tally = Path(self.parameters.tally)
        deaths = tally.stat().st_size if tally.is_file() else 0
        if deaths < self.parameters.times:
            with tally.open("a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        yield (deaths,)

    def total(self) -> int:
        return 1
