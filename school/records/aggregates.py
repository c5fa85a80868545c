"""What is counted of each offering and term, in little memory."""

from array import array
from collections.abc import Iterator


class GradeAggregates:
    """Whole numbers by offering and term: a network of 100,000 students has 160,000 of them."""

    def __init__(self, width: int) -> None:
        """`width` is how many numbers come each time: the term, and what is counted of it."""
        self._width = width
        self._values: dict[int, array[int]] = {}
        self.row_count = 0
        self.outside_terms = 0
        """Grades of terms that there are not."""

    def add(self, offering: int, *numbers: int | None) -> None:
        """Zero is kept where of no grades the database knows no sum, lowest or highest."""
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
