from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from school.records.enrolment_chains import build_chain


def make_enrolment(id, entry, exit=None):
    """An enrolment from the one day of the year until before the other."""
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
        ),  # the longer by a day
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
        ([make_enrolment(10, 100, 120)], [], []),  # begun on the same day, noted later
        ([make_enrolment(1, 0, 50), make_enrolment(2, 0, 50)], [2], [1]),
        ([make_enrolment(1, 101, 150)], [], []),
    ],
)
def test_no_day_is_in_a_year_twice(ended, before, overlapping):
    found = build_chain(CURRENT, ended)

    assert [place.id for place in found.rows] == [*before, CURRENT.id]
    assert sorted(place.id for place in found.overlaps) == overlapping


def test_enrolment_that_has_ended_is_not_before_itself():
    one = make_enrolment(1, 0, 50)

    assert build_chain(one, [one]).rows == [one]
