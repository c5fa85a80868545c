"""Compact storage of grade aggregates per offering and term."""

from array import array
from collections.abc import Iterator


class GradeAggregates:
    """Integer rows by offering; a network of 100,000 students has 160,000 rows."""

    def __init__(self, width: int) -> None:
        """`width` is the number of integers per row: the term and its aggregates."""
        self._width = width
        self._values: dict[int, array[int]] = {}
        self.row_count = 0
        self.outside_terms = 0
        """Number of grades in terms that the year does not have."""

    def add(self, offering: int, *numbers: int | None) -> None:
        """Add one row; None (sum, minimum or maximum of no grades) is stored as 0."""
        values = self._values.setdefault(offering, array("q"))
        values.extend(number or 0 for number in numbers)
        self.row_count += 1

    def iter_rows(self, offering: int) -> Iterator["array[int]"]:
        numbers = self._values.get(offering, array("q"))
        for start in range(0, len(numbers), self._width):
            yield numbers[start : start + self._width]

    @property
    def offering_count(self) -> int:
        return len(self._values)
