"""Consecutive enrolments of a student in one year, without overlapping days."""

from collections.abc import Sequence
from typing import NamedTuple

from school.records.enrolment_rows import EnrolmentRow


class EnrolmentChain(NamedTuple):
    """An enrolment with the earlier enrolments that precede it without overlap."""

    rows: Sequence[EnrolmentRow]
    """Enrolments without overlap, oldest first; the enrolment itself is last."""
    overlaps: Sequence[EnrolmentRow]
    """Earlier enrolments left out because they overlap a row of the chain."""


def build_chain(
    row: EnrolmentRow, candidates: Sequence[EnrolmentRow]
) -> EnrolmentChain:
    """Build the chain of `row`; of two overlapping candidates the longer one is used.

    `candidates` are ended enrolments of the same student, school year and grade level.
    """
    earlier = [p for p in candidates if (p.entry, p.id) < (row.entry, row.id)]
    if not earlier:  # the usual case
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
