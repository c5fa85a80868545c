"""Command-line options of the benchmarks, for smaller and shorter trials."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

STUDENTS = 100_000
ROUNDS = 5
ROWS = 200_000
LOAD_SECONDS = 5.0
TASKS = 1_000_000
MINUTES = 10


@dataclass(frozen=True)
class Options:
    students: int = STUDENTS
    rounds: int = ROUNDS
    rows: int = ROWS
    """Number of rows of a sheet that needs no data set."""
    load_seconds: float = LOAD_SECONDS
    """Duration of the load of one web server in one round."""
    tasks: int = TASKS
    """Number of finished tasks in a large database."""
    minutes: int = MINUTES
    """Duration of the endurance run."""

    @property
    def is_whole(self) -> bool:
        """True for a full-size run; smaller ones are trials, whose results are not saved."""
        is_full_size = (self.students, self.rows, self.tasks) == (STUDENTS, ROWS, TASKS)
        is_full_time = self.load_seconds >= LOAD_SECONDS and self.minutes >= MINUTES
        return is_full_size and is_full_time and self.rounds >= ROUNDS


def read_options(about: str | None, arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--students", type=int, default=STUDENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--load-seconds", type=float, default=LOAD_SECONDS)
    parser.add_argument("--tasks", type=int, default=TASKS)
    parser.add_argument("--minutes", type=int, default=MINUTES)
    return Options(**vars(parser.parse_args(arguments)))
