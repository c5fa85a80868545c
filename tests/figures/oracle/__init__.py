"""An independent reckoning of every report: plain loops and fractions, no query but `all()`."""

from tests.figures.oracle.kinds import KINDS, expected, expected_left_out
from tests.figures.oracle.world import World

__all__ = ["KINDS", "World", "expected", "expected_left_out"]
