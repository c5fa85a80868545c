"""Years that students spent outside the network, read with the students."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.db.models import QuerySet

from school.db.json_aggregates import JSONRow, listed
from school.models import PriorYear, Student

_YEAR = ("grade_level", "school", "city", "state", "result", "days", "attendance")
_SUBJECT = ("subjects__subject", "subjects__grade", "subjects__hours")


class SubjectElsewhere(NamedTuple):
    subject: str
    grade: str
    hours: int | None


class YearElsewhere(NamedTuple):
    """As a `PriorYear` has it."""

    year: int
    grade_level: str
    school: str
    city: str
    state: str
    result: str
    days: int | None
    attendance: str
    subjects: Sequence[SubjectElsewhere]


def students(
    wanted: QuerySet[Student],
) -> Iterator[tuple[Student, Sequence[YearElsewhere]]]:
    """These, in their order, each with the years spent elsewhere from the first on."""
    row = JSONRow(JSONRow("year", "pk", *_YEAR), JSONRow("subjects__pk", *_SUBJECT))
    years = listed(PriorYear.objects.all(), row, of="student")
    for student in wanted.annotate(_elsewhere=years).iterator():
        yield student, list(_years(student._elsewhere))


def _years(written: str | None) -> Iterator[YearElsewhere]:
    # By the year, and then by the numbers: no two rows have the same.
    rows = sorted(json.loads(written or "[]"))
    for (year, _number, *rest), of_year in groupby(rows, key=itemgetter(0)):
        subjects = [
            SubjectElsewhere(*subject)
            for _year, (number, *subject) in of_year
            if number is not None
        ]
        fields = dict(zip(_YEAR, rest, strict=True))
        yield YearElsewhere(year, subjects=subjects, **fields)
