from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from school.grading.attendance import (
    BENEFIT_WINDOWS,
    AttendanceDays,
    benefit_minimum,
    benefit_windows,
    evaluate_attendance,
)
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.rules import Rules
from tests.school.grading import strategies

AMAZONAS = DEFAULT_PROFILES[0].rules
PLANNED = AMAZONAS.model_copy(update={"attendance_base": "planned"})


def test_attendance_of_150_of_200_days_is_enough():
    result = evaluate_attendance(AMAZONAS, AttendanceDays(lesson_days=200, absences=50))

    assert (result.base_days, result.attended_days, result.percent) == (200, 150, 75)
    assert result.is_enough is True
    assert result.absences_left == 0


def test_attendance_of_149_of_200_days_is_not_enough():
    result = evaluate_attendance(AMAZONAS, AttendanceDays(lesson_days=200, absences=51))

    assert result.percent == Fraction(149, 2)
    assert result.is_enough is False
    assert result.absences_left == -1


def test_attendance_of_74_96_percent_is_not_enough():
    result = evaluate_attendance(
        AMAZONAS, AttendanceDays(lesson_days=2500, absences=626)
    )

    assert result.percent == Fraction(7496, 100)
    assert result.is_enough is False


@pytest.mark.parametrize(("absent", "expected"), [(15, False), (16, True)])
def test_council_notice_starts_at_16_absences(absent, expected):
    assert (
        evaluate_attendance(
            AMAZONAS, AttendanceDays(lesson_days=200, absences=absent)
        ).requires_council_notice
        is expected
    )


def test_council_notice_early_in_the_year_uses_planned_days():
    assert not evaluate_attendance(
        AMAZONAS, AttendanceDays(lesson_days=20, absences=15)
    ).requires_council_notice
    assert evaluate_attendance(
        AMAZONAS, AttendanceDays(lesson_days=20, absences=16)
    ).requires_council_notice


def test_attendance_base_follows_the_rules():
    days = AttendanceDays(lesson_days=100, absences=30)

    by_given_days, by_planned_days = (
        evaluate_attendance(AMAZONAS, days),
        evaluate_attendance(PLANNED, days),
    )

    assert (
        by_given_days.base_days,
        by_given_days.percent,
        by_given_days.is_enough,
    ) == (
        100,
        70,
        False,
    )
    assert (by_planned_days.base_days, by_planned_days.percent, by_planned_days.is_enough) == (
        200, 85, True,
    )  # fmt: skip
    assert by_given_days.absences_left == by_planned_days.absences_left == 20


def test_planned_days_exclude_days_outside_the_enrolment():
    result = evaluate_attendance(
        AMAZONAS, AttendanceDays(lesson_days=60, absences=10, days_outside=80)
    )

    assert (result.planned_days, result.absences_left) == (120, 20)


def test_planned_days_are_at_least_the_lesson_days():
    result = evaluate_attendance(AMAZONAS, AttendanceDays(lesson_days=210, absences=0))

    assert (result.planned_days, result.absences_left) == (210, 52)


def test_attendance_without_lesson_days_has_no_verdict():
    result = evaluate_attendance(AMAZONAS, AttendanceDays())

    assert (result.base_days, result.attended_days, result.percent) == (
        None,
        None,
        None,
    )
    assert result.is_enough is None
    assert (result.planned_days, result.absences_left) == (200, 50)
    assert result.requires_council_notice is False


def test_justified_absences_count_as_absences():
    assert evaluate_attendance(AMAZONAS, AttendanceDays(200, 51, 51)).is_enough is False


@given(strategies.rules(), strategies.days())
def test_additional_absence_is_never_better(rules, days):
    more = AttendanceDays(
        days.lesson_days + 1,
        days.absences + 1,
        days.justified_absences,
        days.days_outside,
    )
    fewer = AttendanceDays(
        days.lesson_days + 1, days.absences, days.justified_absences, days.days_outside
    )

    worse, better = evaluate_attendance(rules, more), evaluate_attendance(rules, fewer)

    assert worse.percent < better.percent
    assert worse.absences_left == better.absences_left - 1
    assert better.is_enough or not worse.is_enough
    assert worse.requires_council_notice or not better.requires_council_notice


@given(strategies.rules(attendance_base="planned"), strategies.days())
def test_absences_left_are_the_most_that_keep_attendance(rules, days):
    result = evaluate_attendance(rules, days)
    planned, absent = result.planned_days, days.absences + result.absences_left

    def enough(absent):
        return 100 * (planned - absent) >= rules.minimum_attendance * planned

    assert enough(absent)
    assert planned == 0 or not enough(absent + 1)


def test_benefit_windows_are_the_official_five():
    assert [tuple(window) for window in BENEFIT_WINDOWS] == [
        ("feb_mar", 2, 3),
        ("apr_may", 4, 5),
        ("jun_jul", 6, 7),
        ("aug_sep", 8, 9),
        ("oct_nov", 10, 11),
    ]


MONTHS_BY_CODE = {
    "feb_mar": (2, 3), "apr_may": (4, 5), "jun_jul": (6, 7), "aug_sep": (8, 9),
    "oct_nov": (10, 11),
}  # fmt: skip


WINDOWS_OF_YEARS = [
    (
        (2026, date(2026, 2, 9), date(2026, 12, 18)),
        ["feb_mar 2026", "apr_may 2026", "jun_jul 2026", "aug_sep 2026", "oct_nov 2026"],
    ),
    (  # second semester of the EJA: no lesson can be in April to July
        (2025, date(2025, 9, 15), date(2026, 2, 20)),
        ["feb_mar 2026", "apr_may 2025", "jun_jul 2025", "aug_sep 2025", "oct_nov 2025"],
    ),
    (  # moved by a strike: ends on the first day of a window, or on the day before
        (2025, date(2025, 2, 10), date(2026, 2, 1)),
        ["feb_mar 2025", "apr_may 2025", "jun_jul 2025", "aug_sep 2025", "oct_nov 2025",
         "feb_mar_next 2026"],
    ),
    (
        (2025, date(2025, 2, 10), date(2026, 1, 31)),
        ["feb_mar 2025", "apr_may 2025", "jun_jul 2025", "aug_sep 2025", "oct_nov 2025"],
    ),
    (  # begins on the last day of a window, or on the day after
        (2025, date(2025, 3, 31), date(2026, 2, 1)),
        ["feb_mar 2025", "apr_may 2025", "jun_jul 2025", "aug_sep 2025", "oct_nov 2025",
         "feb_mar_next 2026"],
    ),
    (
        (2025, date(2025, 4, 1), date(2026, 2, 1)),
        ["feb_mar 2026", "apr_may 2025", "jun_jul 2025", "aug_sep 2025", "oct_nov 2025"],
    ),
    (  # begins in the calendar year before its own
        (2026, date(2025, 11, 3), date(2026, 10, 30)),
        ["feb_mar 2026", "apr_may 2026", "jun_jul 2026", "aug_sep 2026", "oct_nov 2025",
         "oct_nov_next 2026"],
    ),
    (  # a summer course: the windows that it never meets are those of its own number
        (2026, date(2025, 11, 3), date(2026, 2, 27)),
        ["feb_mar 2026", "apr_may 2026", "jun_jul 2026", "aug_sep 2026", "oct_nov 2025"],
    ),
    (  # from one leap day to the next
        (2024, date(2024, 2, 29), date(2028, 2, 29)),
        ["feb_mar 2024", "apr_may 2024", "jun_jul 2024", "aug_sep 2024", "oct_nov 2024",
         "feb_mar_next 2025", "apr_may_next 2025", "jun_jul_next 2025", "aug_sep_next 2025",
         "oct_nov_next 2025",
         "feb_mar_next_2 2026", "apr_may_next_2 2026", "jun_jul_next_2 2026",
         "aug_sep_next_2 2026", "oct_nov_next_2 2026",
         "feb_mar_next_3 2027", "apr_may_next_3 2027", "jun_jul_next_3 2027",
         "aug_sep_next_3 2027", "oct_nov_next_3 2027",
         "feb_mar_next_4 2028"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("dates", "expected"), WINDOWS_OF_YEARS)
def test_windows_of_a_school_year_meet_its_dates(dates, expected):
    windows = benefit_windows(*dates)

    assert [f"{w.key} {w.first_day.year}" for w in windows] == expected
    for window in windows:
        year, first, last = window.first_day.year, *MONTHS_BY_CODE[window.code]
        assert window.months == (f"{year}-{first:02}", f"{year}-{last:02}")
        assert window.first_day == date(year, first, 1)


def test_closed_year_allows_no_absence_and_uses_its_own_days():
    days = AttendanceDays(lesson_days=100, absences=26)

    open_result = evaluate_attendance(AMAZONAS, days)
    closed_result = evaluate_attendance(AMAZONAS, days, is_closed=True)

    assert (open_result.planned_days, open_result.absences_left) == (200, 24)
    assert (closed_result.planned_days, closed_result.absences_left) == (100, None)
    assert open_result.percent == closed_result.percent == 74


@pytest.mark.parametrize(("absences", "is_listed"), [(7, False), (8, True)])
def test_council_notice_of_closed_year_uses_the_days_given(absences, is_listed):
    days = AttendanceDays(lesson_days=100, absences=absences)

    result = evaluate_attendance(AMAZONAS, days, is_closed=True)

    assert result.requires_council_notice is is_listed
    assert not evaluate_attendance(AMAZONAS, days).requires_council_notice


def test_closed_year_with_planned_base_keeps_its_plan():
    days = AttendanceDays(lesson_days=100, absences=26, days_outside=10)

    result = evaluate_attendance(PLANNED, days, is_closed=True)

    assert (result.base_days, result.planned_days) == (190, 190)
    assert result.absences_left is None


@pytest.mark.parametrize(
    ("born", "minimum"),
    [
        (date(2022, 2, 2), None),  # four the day after
        (date(2022, 2, 1), 60),
        (date(2020, 2, 2), 60),  # six the day after
        (date(2020, 2, 1), 75),
        (date(2008, 2, 2), 75),  # eighteen the day after
        (date(2008, 2, 1), None),
    ],
)
def test_benefit_minimum_depends_on_age_on_first_day(born, minimum):
    assert benefit_minimum(born, date(2026, 2, 1)) == minimum


def test_attendance_minimum_of_100_allows_no_absence():
    strict = Rules(terms=1, pass_mark=Decimal(6), minimum_attendance=Decimal(100))

    assert (
        evaluate_attendance(strict, AttendanceDays(lesson_days=200)).is_enough is True
    )
    assert (
        evaluate_attendance(
            strict, AttendanceDays(lesson_days=200, absences=1)
        ).is_enough
        is False
    )
