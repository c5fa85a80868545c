"""Students' years as reports list them, read in lots so that memory stays flat."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice

from django.db.models import QuerySet

from school.models import Enrolment, RuleVersion
from school.records import places
from school.records.frame import Frame
from school.records.lots import Lot
from school.records.places import BY_CLASS, Place
from school.records.student_year import LeftOut, StudentYear

LOT = 500
"""How many enrolments are read at once: what of a network is in memory, and no more. They
take 4 MB; fewer would take longer."""


class StudentYears:
    """The years of the enrolments listed, in that order.

    `listed` is what is asked for, `seen` all that may be looked at for it: what came before
    an enrolment in the same year is part of it. Without marks no subject is in them, and
    their attendance alone is judged. So many queries for all, and as many for
    every `LOT` enrolments.
    """

    def __init__(
        self,
        listed: QuerySet[Enrolment],
        seen: QuerySet[Enrolment],
        *,
        order: Sequence[str] = BY_CLASS,
        with_marks: bool = True,
    ) -> None:
        self._listed = listed
        self._seen = seen
        self._order = order
        self._with_marks = with_marks
        self._frame = Frame()
        self.left_out = LeftOut()

    @cached_property
    def terms(self) -> int:
        """The most terms that one of the years has."""
        return max((self._frame.terms(*course) for course in self._courses), default=0)

    @property
    def versions(self) -> list[RuleVersion]:
        """Those that judge one of the years."""
        found = {self._frame.rules(*course) for course in self._courses} - {None}
        return sorted(filter(None, found), key=str)

    @cached_property
    def _courses(self) -> list[tuple[int, int]]:
        return places.courses(self._listed)

    def __iter__(self) -> Iterator[StudentYear]:
        rows = places.places(self._listed.order_by(*self._order)).iterator()
        while listed := [Place(*row) for row in islice(rows, LOT)]:
            # Where it has a name, it is there until the next one is read.
            yield from self._lot(listed).years(self.left_out)

    def _lot(self, listed: Sequence[Place]) -> Lot:
        lot = Lot(self._frame, listed, self._seen, self.terms)
        if self._with_marks:
            lot.read_marks()
        return lot
