from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from school.records.enrolment_chains import build_chain


def make_enrolment(id, entry, exit=None):
    """Return an enrolment row from day `entry` of the year until before day `exit`."""
    first = date(2026, 1, 1)
    day = first + timedelta(days=entry)
    exit_date = None if exit is None else first + timedelta(days=exit)
    return SimpleNamespace(id=id, entry=day, exit=exit_date)


CURRENT = make_enrolment(9, 100)


@pytest.mark.parametrize(
    ("ended", "before", "overlapping"),
    [
        ([], [], []),
        ([make_enrolment(1, 0, 50), make_enrolment(2, 50, 100)], [1, 2], []),
        ([make_enrolment(1, 0, 50), make_enrolment(2, 60, 90)], [1, 2], []),
        ([make_enrolment(1, 0, 101)], [], [1]),
        (
            [make_enrolment(1, 0, 50), make_enrolment(2, 49, 100)],
            [2],
            [1],
        ),  # the longer one, by a day
        (
            [
                make_enrolment(1, 0, 80),
                make_enrolment(2, 10, 20),
                make_enrolment(3, 30, 40),
            ],
            [1],
            [2, 3],
        ),
        ([make_enrolment(1, 100, 120)], [], [1]),
        ([make_enrolment(10, 100, 120)], [], []),  # same entry date, higher id
        ([make_enrolment(1, 0, 50), make_enrolment(2, 0, 50)], [2], [1]),
        ([make_enrolment(1, 101, 150)], [], []),
    ],
)
def test_chain_contains_no_day_twice(ended, before, overlapping):
    chain = build_chain(CURRENT, ended)

    assert [row.id for row in chain.rows] == [*before, CURRENT.id]
    assert sorted(row.id for row in chain.overlaps) == overlapping


def test_chain_of_ended_enrolment_contains_it_once():
    one = make_enrolment(1, 0, 50)

    assert build_chain(one, [one]).rows == [one]
