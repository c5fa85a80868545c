"""An independent reckoning of every report: plain loops and fractions, no query but `all()`."""

from tests.tasks.reports.figures.oracle.kinds import (
    KINDS,
    expected_rows,
    expected_skipped,
)
from tests.tasks.reports.figures.oracle.selection import Dataset

__all__ = ["KINDS", "Dataset", "expected_rows", "expected_skipped"]
