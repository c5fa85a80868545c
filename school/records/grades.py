"""Grades by subject and term, of one enrolment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import BigIntegerField, ExpressionWrapper, F

from school.db.json_aggregates import json_array_subquery
from school.models import Grade, RecoveryGrade

_OFFERING_FACTOR, _TERM_FACTOR = 100_000, 1_000

# One number each: an array of three would take the databases twice the time.
GRADES_SUBQUERY = json_array_subquery(
    Grade.objects.filter(tenths__isnull=False),
    ExpressionWrapper(
        F("offering_id") * _OFFERING_FACTOR + F("term") * _TERM_FACTOR + F("tenths"),
        BigIntegerField(),
    ),
    parent_field="enrolment",
)
EXAMS_SUBQUERY = json_array_subquery(
    RecoveryGrade.objects.all(),
    ExpressionWrapper(
        F("offering_id") * _OFFERING_FACTOR + F("tenths"), BigIntegerField()
    ),
    parent_field="enrolment",
)


@dataclass(slots=True)
class GradebookEntry:
    """What is written down of one subject in one enrolment."""

    terms: list[int | None]
    """The tenths of each term, from the first."""
    outside_terms: int = 0
    """How many grades there are of terms after the last of those."""
    exam: int | None = None


Gradebook = dict[int, GradebookEntry]
"""By subject."""


def parse_gradebook(
    grades_json: str | None,
    exams_json: str | None,
    subject_by_offering: Mapping[int, int],
    term_count: int,
) -> Gradebook:
    """What `GRADES` and `EXAMS` gave, with the grades of terms 1 to `terms`.

    `subjects` are those of the class's offerings: the database keeps a grade to its class.
    """
    gradebook: Gradebook = {}
    entries: dict[int, GradebookEntry] = {}
    for number in json.loads(grades_json or "[]"):
        offering, term_and_tenths = divmod(number, _OFFERING_FACTOR)
        if offering not in entries:
            entries[offering] = gradebook[subject_by_offering[offering]] = (
                GradebookEntry([None] * term_count)
            )
        term, tenths = divmod(term_and_tenths, _TERM_FACTOR)
        if term > term_count:
            entries[offering].outside_terms += 1
        else:
            entries[offering].terms[term - 1] = tenths
    for number in json.loads(exams_json or "[]"):
        offering, tenths = divmod(number, _OFFERING_FACTOR)
        empty = GradebookEntry([None] * term_count)
        gradebook.setdefault(subject_by_offering[offering], empty).exam = tenths
    return gradebook
