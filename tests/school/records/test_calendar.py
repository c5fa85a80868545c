"""Dates of school years: their end for a student, and their calendar years."""

from datetime import date, timedelta

import pytest

from school.models import ClassSession, Enrolment, SchoolYear, Term
from school.records.calendar import AcademicCalendar, year_filter
from school.records.years import StudentYears
from tests.support.school_factory import NetworkFactory, create_level, create_subject

pytestmark = pytest.mark.django_db

FIRST, LAST_LESSON = date(2026, 2, 2), date(2026, 12, 11)
LAST_TERM_BEGINS, LAST_TERM_ENDS = date(2026, 10, 1), date(2026, 12, 15)
YEAR_ENDS = date(2026, 12, 20)
DAY = timedelta(days=1)


@pytest.fixture
def school_class(network):
    """Class of 2026 with its first and last lesson, and a term that ends after the lessons."""
    factory = NetworkFactory()
    year = factory.create_year(2026, [FIRST, YEAR_ENDS], terms=1)
    year.terms.all().delete()
    for number, start, end in [
        (1, FIRST, LAST_TERM_BEGINS - DAY),
        (2, LAST_TERM_BEGINS, LAST_TERM_ENDS),
    ]:
        Term.objects.create(
            school_year=year, number=number, starts_on=start, ends_on=end
        )
    factory.create_rules(year, terms=2)
    return factory.create_class(
        factory.create_school("Escola"), year, "A", [create_level("Nível")],
        [create_subject("Arte", 1)], [FIRST, LAST_LESSON],
    )  # fmt: skip


def judge_leaver(school_class, exit, ending, *, is_closed):
    """Return the record and situation of a student who passed and left on that day."""
    enrolment = school_class.enrol("Ana", exit_date=exit, ending=ending)
    school_class.add_grades(enrolment, school_class.subject_ids[0], 70, 70)
    SchoolYear.objects.filter(pk=school_class.year.pk).update(is_closed=is_closed)
    enrolments = Enrolment.objects.filter(pk=enrolment.pk)
    (year,) = StudentYears(enrolments, enrolments)
    return year


ENDINGS = [
    # exit, is_closed, whether the result stays
    (LAST_LESSON, False, False),
    (LAST_LESSON, True, False),
    (LAST_LESSON + DAY, False, False),  # lessons may still come until the term ends
    (LAST_LESSON + DAY, True, True),
    (LAST_TERM_ENDS, False, False),
    (LAST_TERM_ENDS + DAY, False, True),
    (LAST_TERM_ENDS + DAY, True, True),
    (YEAR_ENDS, False, True),
    (date(2027, 1, 15), False, True),
    (date(2027, 1, 15), True, True),
]


@pytest.mark.parametrize("ending", Enrolment.Ending.values)
@pytest.mark.parametrize(("exit", "is_closed", "stays"), ENDINGS)
def test_exit_after_the_last_lesson_keeps_the_result(
    school_class, exit, is_closed, stays, ending
):
    year = judge_leaver(school_class, exit, ending, is_closed=is_closed)

    exit_situation = "class_changed" if ending == "class_change" else ending
    assert year.outcome.situation == ("approved" if stays else exit_situation)
    assert year.exit_situation == exit_situation
    assert year.record.has_left


@pytest.mark.parametrize(("exit", "is_closed", "stays"), ENDINGS)
def test_exit_without_reason_after_the_last_lesson_is_the_end_of_the_year(
    school_class, exit, is_closed, stays
):
    year = judge_leaver(school_class, exit, "", is_closed=is_closed)

    assert year.outcome.situation == ("approved" if stays else "left")
    assert year.exit_situation == (None if stays else "left")


def test_lessons_recorded_in_part_do_not_end_a_closed_year(school_class):
    ClassSession.objects.filter(school_class=school_class.pk, date=LAST_LESSON).delete()

    year = judge_leaver(
        school_class, LAST_TERM_BEGINS - DAY, "transferred", is_closed=True
    )

    assert year.outcome.situation == "transferred"


def test_closed_year_without_lessons_ends_with_its_last_term(school_class):
    ClassSession.objects.filter(school_class=school_class.pk).delete()

    year = judge_leaver(school_class, LAST_TERM_ENDS, "transferred", is_closed=True)

    assert year.outcome.situation == "transferred"


@pytest.mark.parametrize(
    ("exit", "situation"), [(YEAR_ENDS, "transferred"), (YEAR_ENDS + DAY, "approved")]
)
def test_year_without_terms_ends_with_its_own_last_day(school_class, exit, situation):
    school_class.year.terms.all().delete()

    year = judge_leaver(school_class, exit, "transferred", is_closed=False)

    assert year.outcome.situation == situation


def test_lessons_after_the_last_term_are_awaited(school_class):
    ClassSession.objects.create(
        school_class=school_class.school_class, date=YEAR_ENDS, term=2
    )

    year = judge_leaver(school_class, YEAR_ENDS, "transferred", is_closed=False)

    assert year.outcome.situation == "transferred"


@pytest.mark.parametrize(("ending", "stays"), [("", True), ("transferred", False)])
def test_exit_without_reason_on_the_last_day_of_the_year_is_its_end(
    school_class, ending, stays
):
    ClassSession.objects.create(
        school_class=school_class.school_class, date=YEAR_ENDS, term=2
    )

    year = judge_leaver(school_class, YEAR_ENDS, ending, is_closed=False)

    assert (year.outcome.situation == "approved") is stays
    assert year.record.has_left is not stays


def test_days_of_the_class_are_counted_beyond_the_stay(school_class):
    year = judge_leaver(school_class, date(2026, 6, 1), "transferred", is_closed=True)

    assert (year.record.days.lesson_days, year.record.days.class_days) == (1, 2)


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "found"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), {2026}),
        (date(2025, 12, 31), date(2026, 12, 31), {2025, 2026}),
        (date(2026, 1, 1), date(2027, 1, 1), {2026, 2027}),
        (date(2026, 2, 28), date(2027, 12, 31), {2026, 2027}),
        # A year is found by its number even if none of its days is in that calendar year.
        (date(2027, 1, 4), date(2027, 6, 30), {2026, 2027}),
    ],
)
def test_year_filter_finds_number_and_calendar_years(
    network, starts_on, ends_on, found
):
    year = NetworkFactory().create_year(2026, [starts_on, ends_on], terms=1)
    years = SchoolYear.objects.filter(pk=year.pk)

    assert {n for n in range(2024, 2030) if years.filter(year_filter(n))} == found


def test_calendar_reads_years_with_and_without_terms_by_one_query(
    school_class, django_assert_num_queries
):
    empty = NetworkFactory().create_year(2026, [FIRST, YEAR_ENDS], terms=1)
    empty.terms.all().delete()
    calendar = AcademicCalendar()

    with django_assert_num_queries(1):
        assert calendar.term_starts(empty.pk) == {}
        assert calendar.term_starts(school_class.year.pk) == {
            1: FIRST,
            2: LAST_TERM_BEGINS,
        }
        assert len(calendar.benefit_windows(empty.pk)) == 5
