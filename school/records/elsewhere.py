"""Years that students spent outside the network, read with the students."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.db.models import QuerySet

from school.models import PriorYear, Student
from school.records.json_list import JSONRow, listed

_FIELDS = ("grade_level", "school", "city", "state", "result", "days", "attendance")
_OF_SUBJECT = ("subjects__subject", "subjects__grade", "subjects__hours")
_year_of, _subject_of = itemgetter(slice(2 + len(_FIELDS))), itemgetter(slice(-3, None))


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
    """These, in their order, each with the years spent elsewhere as they were entered."""
    row = JSONRow("year", "pk", *_FIELDS, "subjects__pk", *_OF_SUBJECT)
    years = listed(PriorYear.objects.all(), row, of="student")
    for student in wanted.annotate(_elsewhere=years).iterator():
        yield student, list(_years(student._elsewhere))


def _years(written: str | None) -> Iterator[YearElsewhere]:
    rows = json.loads(written or "[]")
    rows.sort(key=lambda row: (row[1], row[-4] or 0))
    for (year, _id, *rest), of_year in groupby(rows, key=_year_of):
        subjects = [SubjectElsewhere(*_subject_of(row)) for row in of_year if row[-4]]
        fields = dict(zip(_FIELDS, rest, strict=True))
        yield YearElsewhere(year, subjects=subjects, **fields)
