"""What came before an enrolment in the same year, so that no day is in it twice."""

from collections.abc import Sequence
from typing import NamedTuple

from school.records.enrolment_rows import EnrolmentRow


class EnrolmentChain(NamedTuple):
    """An enrolment with those before it."""

    rows: Sequence[EnrolmentRow]
    """Oldest first, the enrolment itself last; none is at the same time as another."""
    overlaps: Sequence[EnrolmentRow]
    """What was begun before it, too, but was not over when the next one began."""


def build_chain(
    row: EnrolmentRow, candidates: Sequence[EnrolmentRow]
) -> EnrolmentChain:
    """Out of what has `ended` of the same student's year; of two at once, the longer."""
    earlier = [p for p in candidates if (p.entry, p.id) < (row.entry, row.id)]
    if not earlier:  # nearly always
        return EnrolmentChain([row], [])
    members, overlaps = [row], list[EnrolmentRow]()
    for candidate in sorted(earlier, key=_length_key, reverse=True):
        is_apart = all(
            _ends_before(candidate, other=p) or _ends_before(p, other=candidate)
            for p in members
        )
        (members if is_apart else overlaps).append(candidate)
    return EnrolmentChain(sorted(members, key=lambda p: (p.entry, p.id)), overlaps)


def _length_key(row: EnrolmentRow) -> tuple[int, int]:
    days = (row.exit - row.entry).days if row.exit else 0
    return days, row.id


def _ends_before(row: EnrolmentRow, *, other: EnrolmentRow) -> bool:
    return row.exit is not None and row.exit <= other.entry
