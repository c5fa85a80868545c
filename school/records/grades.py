"""Grades of one enrolment by subject and term."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import BigIntegerField, ExpressionWrapper, F

from school.db.json_aggregates import JSONRow, json_array_subquery
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
    RecoveryGrade.objects.filter(tenths__isnull=False),
    ExpressionWrapper(
        F("offering_id") * _OFFERING_FACTOR + F("tenths"), BigIntegerField()
    ),
    parent_field="enrolment",
)


CONCEPTS_SUBQUERY = json_array_subquery(
    Grade.objects.exclude(concept=""),
    JSONRow("offering_id", "term", "concept"),
    parent_field="enrolment",
)
EXAM_CONCEPTS_SUBQUERY = json_array_subquery(
    RecoveryGrade.objects.exclude(concept=""),
    JSONRow("offering_id", "concept"),
    parent_field="enrolment",
)
TERM_RECOVERIES_SUBQUERY = json_array_subquery(
    Grade.objects.filter(recovery_tenths__isnull=False),
    JSONRow("offering_id", "term", "recovery_tenths"),
    parent_field="enrolment",
)


class GradebookJson(NamedTuple):
    """Unparsed results of the subqueries; the rarer ones only where rules have them."""

    grades: str | None = None
    exams: str | None = None
    concepts: str | None = None
    exam_concepts: str | None = None
    term_recoveries: str | None = None


@dataclass(slots=True)
class GradebookEntry:
    """Grades and given concepts of one subject in one enrolment."""

    terms: list[int | None]
    """Grade of each term in tenths, from term 1; None if missing."""
    outside_terms: int = 0
    """Number of grades in terms after the last of `terms`."""
    exam: int | None = None
    concepts: list[str | None] | None = None
    """Given concept of each term; None if there is none at all."""
    outside_concepts: int = 0
    """Number of given concepts in terms after the last of `terms`."""
    exam_concept: str | None = None
    recoveries: dict[int, int] | None = None
    """Grade of each term's own recovery by term; None if there is none at all."""


Gradebook = dict[int, GradebookEntry]
"""Gradebook entries by subject id."""


def parse_gradebook(
    json_texts: GradebookJson,
    subject_by_offering: Mapping[int, int],
    term_count: int,
) -> Gradebook:
    """Parse the results of the subqueries for terms 1 to `term_count`.

    `subject_by_offering` covers the class's offerings; a database constraint ensures that
    every grade belongs to one of them.
    """
    gradebook: Gradebook = {}
    entries: dict[int, GradebookEntry] = {}
    for number in json.loads(json_texts.grades or "[]"):
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
    for number in json.loads(json_texts.exams or "[]"):
        offering, tenths = divmod(number, _OFFERING_FACTOR)
        empty = GradebookEntry([None] * term_count)
        gradebook.setdefault(subject_by_offering[offering], empty).exam = tenths
    _add_concepts(gradebook, json_texts, subject_by_offering, term_count)
    for offering, term, tenths in json.loads(json_texts.term_recoveries or "[]"):
        # A constraint ensures that the term has a grade, and so the subject an entry.
        entry = gradebook[subject_by_offering[offering]]
        entry.recoveries = {**(entry.recoveries or {}), term: tenths}
    return gradebook


def _add_concepts(
    gradebook: Gradebook,
    json_texts: GradebookJson,
    subject_by_offering: Mapping[int, int],
    term_count: int,
) -> None:
    for offering, term, concept in json.loads(json_texts.concepts or "[]"):
        empty = GradebookEntry([None] * term_count)
        entry = gradebook.setdefault(subject_by_offering[offering], empty)
        if entry.concepts is None:
            entry.concepts = [None] * term_count
        if term > term_count:
            entry.outside_concepts += 1
        else:
            entry.concepts[term - 1] = concept
    for offering, concept in json.loads(json_texts.exam_concepts or "[]"):
        empty = GradebookEntry([None] * term_count)
        entry = gradebook.setdefault(subject_by_offering[offering], empty)
        entry.exam_concept = concept
