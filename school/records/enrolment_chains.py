"""What came before an enrolment in the same year, so that no day is in it twice."""

from collections.abc import Sequence
from typing import NamedTuple

from school.records.enrolment_rows import Place


class Chain(NamedTuple):
    """An enrolment with those before it."""

    places: Sequence[Place]
    """Oldest first, the enrolment itself last; none is at the same time as another."""
    overlapping: Sequence[Place]
    """What was begun before it, too, but was not over when the next one began."""


def chain(place: Place, ended: Sequence[Place]) -> Chain:
    """Out of what has `ended` of the same student's year; of two at once, the longer."""
    earlier = [p for p in ended if (p.entry, p.id) < (place.entry, place.id)]
    if not earlier:  # nearly always
        return Chain([place], [])
    kept, overlapping = [place], list[Place]()
    for one in sorted(earlier, key=_length, reverse=True):
        is_apart = all(_is_over(one, by=p) or _is_over(p, by=one) for p in kept)
        (kept if is_apart else overlapping).append(one)
    return Chain(sorted(kept, key=lambda p: (p.entry, p.id)), overlapping)


def _length(place: Place) -> tuple[int, int]:
    days = (place.exit - place.entry).days if place.exit else 0
    return days, place.id


def _is_over(place: Place, *, by: Place) -> bool:
    return place.exit is not None and place.exit <= by.entry
