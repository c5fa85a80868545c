"""Command-line options of the benchmarks, for smaller and shorter trials."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

STUDENTS = 100_000
ROUNDS = 5
ROWS = 200_000


@dataclass(frozen=True)
class Options:
    students: int = STUDENTS
    rounds: int = ROUNDS
    rows: int = ROWS
    """Number of rows of a sheet that needs no data set."""

    @property
    def is_whole(self) -> bool:
        """True for a full-size run; smaller ones are trials, whose results are not saved."""
        is_full = self.students == STUDENTS and self.rows == ROWS
        return is_full and self.rounds >= ROUNDS


def read_options(about: str | None, arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--students", type=int, default=STUDENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parsed = parser.parse_args(arguments)
    return Options(parsed.students, parsed.rounds, parsed.rows)
