from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from school.grading.attendance import (
    BENEFIT_WINDOWS,
    AttendanceDays,
    benefit_minimum,
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
