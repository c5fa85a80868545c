"""An independent reckoning of every report: plain loops and fractions, no query but `all()`."""

from tests.figures.oracle.kinds import expected

__all__ = ["expected"]
