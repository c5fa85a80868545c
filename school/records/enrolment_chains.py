"""Members of a student's year, each as far as the year reaches."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from school.records.enrolment_rows import EnrolmentRow


class Member(NamedTuple):
    """An enrolment within a year."""

    row: EnrolmentRow
    """The enrolment, which ends at the latest where the year does."""
    is_cut: bool
    """True if the enrolment goes on after the year's end, where nothing is read."""


def build_chain(
    row: EnrolmentRow, candidates: Iterable[EnrolmentRow], *, is_last: bool
) -> Sequence[Member]:
    """Return the members of the year as of `row`, the newest one last.

    `candidates` are other enrolments of the same student and school year. If `row` is the
    last of them all, all that began before it ended are members; else only those that began
    before it.
    """
    end = _earlier(row.exit, row.seen_until)
    members = [
        _member(candidate, end)
        for candidate in candidates
        if (candidate.entry, candidate.id) < (row.entry, row.id)
        or is_last
        and (end is None or candidate.entry < end)
    ]
    return [*sorted(members, key=_end_of), _member(row, end)]


def _member(row: EnrolmentRow, end: date | None) -> Member:
    last_day = _earlier(row.exit, row.seen_until)
    last_day = _earlier(last_day, end)
    if last_day == row.exit:
        return Member(row, is_cut=False)
    return Member(row._replace(exit=last_day), is_cut=True)


def _end_of(member: Member) -> tuple[date, date, int]:
    row = member.row
    return row.exit or date.max, row.entry, row.id


def _earlier(one: date | None, other: date | None) -> date | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
