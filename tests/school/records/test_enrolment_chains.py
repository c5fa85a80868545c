from datetime import date, timedelta
from typing import NamedTuple

import pytest

from school.records.enrolment_chains import build_chain

FIRST_DAY = date(2026, 1, 1)


class Row(NamedTuple):
    """The fields of an enrolment row that chains read."""

    id: int
    entry: date
    exit: date | None
    seen_until: date | None = None


def day(index):
    return None if index is None else FIRST_DAY + timedelta(days=index)


def make_row(id, entry, exit=None, seen_until=None):
    """Return an enrolment from day `entry` of the year until before day `exit`."""
    return Row(id, day(entry), day(exit), day(seen_until))


def describe(chain):
    """Return id, last day and whether it is cut of each member."""
    return [
        (row.id, row.exit and (row.exit - FIRST_DAY).days, is_cut)
        for row, is_cut in chain
    ]


CURRENT = make_row(9, 100)
LEFT = make_row(9, 100, 150)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], []),
        ([make_row(1, 0, 50), make_row(2, 50, 100)], [(1, 50, False), (2, 100, False)]),
        ([make_row(1, 0, 101)], [(1, 101, False)]),
        ([make_row(2, 30, 40), make_row(1, 0, 80)], [(2, 40, False), (1, 80, False)]),
        ([make_row(1, 0)], [(1, None, False)]),
        ([make_row(1, 110, 120)], [(1, 120, False)]),
    ],
)
def test_chain_of_last_enrolment_has_all_others(others, expected):
    chain = build_chain(CURRENT, others, is_last=True)

    assert describe(chain) == [*expected, (9, None, False)]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([make_row(1, 0, 50)], [(1, 50, False)]),
        ([make_row(1, 0)], [(1, 150, True)]),
        ([make_row(1, 0, 151)], [(1, 150, True)]),
        ([make_row(1, 0, 150)], [(1, 150, False)]),
        ([make_row(1, 101, 120)], []),
        ([make_row(1, 100, 120)], [(1, 120, False)]),  # same entry, lower id
        ([make_row(10, 100, 120)], []),  # same entry, higher id
    ],
)
def test_chain_of_earlier_enrolment_ends_with_it(others, expected):
    chain = build_chain(LEFT, others, is_last=False)

    assert describe(chain) == [*expected, (9, 150, False)]


def test_chain_ends_where_the_viewer_sees_no_more():
    row = make_row(9, 100, 150, seen_until=120)

    chain = build_chain(row, [make_row(1, 0, seen_until=60)], is_last=True)

    assert describe(chain) == [(1, 60, True), (9, 120, True)]
