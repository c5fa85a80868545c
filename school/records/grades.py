"""Grades of one enrolment by subject and term."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import BigIntegerField, ExpressionWrapper, F

from school.db.json_aggregates import json_array_subquery
from school.models import Grade, RecoveryGrade

_OFFERING_FACTOR, _TERM_FACTOR = 100_000, 1_000

# Each grade is packed into one number: an array of three doubles the query time.
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
    """Grades of one subject in one enrolment, in tenths."""

    terms: list[int | None]
    """Grade of each term in tenths, from term 1; None if missing."""
    outside_terms: int = 0
    """Number of grades in terms after the last of `terms`."""
    exam: int | None = None


Gradebook = dict[int, GradebookEntry]
"""Gradebook entries by subject id."""


def parse_gradebook(
    grades_json: str | None,
    exams_json: str | None,
    subject_by_offering: Mapping[int, int],
    term_count: int,
) -> Gradebook:
    """Parse the results of `GRADES_SUBQUERY` and `EXAMS_SUBQUERY` for terms 1 to `term_count`.

    `subject_by_offering` covers the class's offerings; a database constraint ensures that
    every grade belongs to one of them.
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
