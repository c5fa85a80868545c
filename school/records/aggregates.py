"""What is counted of each offering and term, in little memory."""

from array import array
from collections.abc import Iterator


class Tallies:
    """Whole numbers by offering and term: a network of 100,000 students has 160,000 of them."""

    def __init__(self, width: int) -> None:
        """`width` is how many numbers come each time: the term, and what is counted of it."""
        self._width = width
        self._numbers: dict[int, array[int]] = {}
        self.count = 0
        self.beyond = 0
        """Grades of terms that there are not."""

    def add(self, offering: int, *numbers: int | None) -> None:
        """Zero is kept where of no grades the database knows no sum, lowest or highest."""
        of_offering = self._numbers.setdefault(offering, array("q"))
        of_offering.extend(number or 0 for number in numbers)
        self.count += 1

    def of(self, offering: int) -> Iterator["array[int]"]:
        numbers = self._numbers.get(offering, array("q"))
        for at in range(0, len(numbers), self._width):
            yield numbers[at : at + self._width]

    @property
    def offerings(self) -> int:
        return len(self._numbers)
