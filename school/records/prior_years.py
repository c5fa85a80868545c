"""Years that students spent outside the network, read with the students."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.db.models import QuerySet

from school.db.json_aggregates import JSONRow, json_array_subquery
from school.models import PriorYear, Student
from school.records.student_year import StudentYear

_YEAR_FIELDS = (
    "grade_level",
    "school",
    "city",
    "state",
    "result",
    "days",
    "attendance",
)
_SUBJECT_FIELDS = ("subjects__subject", "subjects__grade", "subjects__hours")


class PriorSubjectRow(NamedTuple):
    subject: str
    grade: str
    hours: int | None


class PriorYearRow(NamedTuple):
    """Fields of a `PriorYear` with its subjects."""

    year: int
    grade_level: str
    school: str
    city: str
    state: str
    result: str
    days: int | None
    attendance: str
    subjects: Sequence[PriorSubjectRow]


def iter_students_with_prior_years(
    students: QuerySet[Student],
) -> Iterator[tuple[Student, Sequence[PriorYearRow]]]:
    """Stream the students in query order, each with their prior years, oldest first."""
    row = JSONRow(
        JSONRow("year", "pk", *_YEAR_FIELDS), JSONRow("subjects__pk", *_SUBJECT_FIELDS)
    )
    prior_years = json_array_subquery(
        PriorYear.objects.all(), row, parent_field="student"
    )
    for student in students.annotate(_prior_years=prior_years).iterator():
        yield student, list(_parse_prior_years(student._prior_years))


def is_before_exit(prior: PriorYearRow, years: Sequence[StudentYear]) -> bool:
    """Return whether a year elsewhere began before the student left the viewer's schools.

    `years` are those that the viewer sees, at least one. What came after belongs to the
    next school. Of the calendar year of the exit only a student who was here from the first
    day of lessons, and left before the school year's end, can have brought nothing along.
    """
    # Only the last enrolment counts: earlier ones may lack an exit date.
    last = max(years, key=lambda year: (year.row.entry, year.row.id))
    ends_on = last.row.year_ends_on
    exit = last.row.exit or last.row.seen_until
    if exit is None:
        return not last.row.is_closed or prior.year <= ends_on.year
    if prior.year >= min(exit, ends_on).year:
        was_here_to_the_end = exit >= ends_on
        is_same_year = prior.year == min(exit, ends_on).year
        return is_same_year and (last.came_late or was_here_to_the_end)
    return True


def _parse_prior_years(years_json: str | None) -> Iterator[PriorYearRow]:
    # Sorts by year, then by primary keys, which are unique per row.
    rows = sorted(json.loads(years_json or "[]"))
    for (year, _pk, *rest), year_rows in groupby(rows, key=itemgetter(0)):
        subjects = [
            PriorSubjectRow(*subject)
            for _year, (pk, *subject) in year_rows
            if pk is not None
        ]
        fields = dict(zip(_YEAR_FIELDS, rest, strict=True))
        yield PriorYearRow(year, subjects=subjects, **fields)
