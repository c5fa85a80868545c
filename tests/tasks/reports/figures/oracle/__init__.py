"""An independent reckoning of every report: plain loops and fractions, no query but `all()`."""

from tests.tasks.reports.figures.oracle.kinds import KINDS, expected, expected_left_out
from tests.tasks.reports.figures.oracle.selection import World

__all__ = ["KINDS", "World", "expected", "expected_left_out"]
