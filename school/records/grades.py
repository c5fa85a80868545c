"""Grades by subject and term, of one enrolment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import BigIntegerField, ExpressionWrapper, F

from school.db.json_aggregates import listed
from school.models import Grade, RecoveryGrade

_OFFERING, _TERM = 100_000, 1_000

# One number each: an array of three would take the databases twice the time.
GRADES = listed(
    Grade.objects.filter(tenths__isnull=False),
    ExpressionWrapper(
        F("offering_id") * _OFFERING + F("term") * _TERM + F("tenths"),
        BigIntegerField(),
    ),
    of="enrolment",
)
EXAMS = listed(
    RecoveryGrade.objects.all(),
    ExpressionWrapper(F("offering_id") * _OFFERING + F("tenths"), BigIntegerField()),
    of="enrolment",
)


@dataclass(slots=True)
class Written:
    """What is written down of one subject in one enrolment."""

    terms: list[int | None]
    """The tenths of each term, from the first."""
    beyond: int = 0
    """How many grades there are of terms after the last of those."""
    recovery: int | None = None


Gradebook = dict[int, Written]
"""By subject."""


def read(
    grades: str | None, exams: str | None, subjects: Mapping[int, int], terms: int
) -> Gradebook:
    """What `GRADES` and `EXAMS` gave, with the grades of terms 1 to `terms`.

    `subjects` are those of the class's offerings: the database keeps a grade to its class.
    """
    book: Gradebook = {}
    pages: dict[int, Written] = {}
    for number in json.loads(grades or "[]"):
        offering, term_and_tenths = divmod(number, _OFFERING)
        if offering not in pages:
            pages[offering] = book[subjects[offering]] = Written([None] * terms)
        term, tenths = divmod(term_and_tenths, _TERM)
        if term > terms:
            pages[offering].beyond += 1
        else:
            pages[offering].terms[term - 1] = tenths
    for number in json.loads(exams or "[]"):
        offering, tenths = divmod(number, _OFFERING)
        blank = Written([None] * terms)
        book.setdefault(subjects[offering], blank).recovery = tenths
    return book
