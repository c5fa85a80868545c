"""Grades by subject and term, of a lot of enrolments in two queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Max, Q

from school.models import Grade, RecoveryGrade


@dataclass(slots=True)
class Written:
    """What is written down of one subject in one enrolment."""

    terms: Sequence[int | None]
    """The tenths of each term, from the first."""
    beyond: int = 0
    """How many grades there are of terms after the last of those."""
    recovery: int | None = None


Gradebook = dict[int, dict[int, Written]]
"""By enrolment, and within it by subject."""


def read(enrolments: Sequence[int], terms: int) -> Gradebook:
    """What is written of each enrolment, with the grades of terms 1 to `terms`."""
    gradebook: Gradebook = defaultdict(dict)
    given = (
        Grade.objects.filter(enrolment__in=enrolments, tenths__isnull=False)
        .order_by()
        .values_list("enrolment_id", "offering__subject_id")
        .annotate(
            beyond=Count("pk", filter=Q(term__gt=terms)),
            **{f"t{n}": Max("tenths", filter=Q(term=n)) for n in range(1, terms + 1)},
        )
    )
    for enrolment, subject, beyond, *tenths in given.iterator():
        gradebook[enrolment][subject] = Written(tenths, beyond)
    exams = RecoveryGrade.objects.filter(enrolment__in=enrolments).values_list(
        "enrolment_id", "offering__subject_id", "tenths"
    )
    for enrolment, subject, exam in exams.iterator():
        blank = Written((None,) * terms)
        gradebook[enrolment].setdefault(subject, blank).recovery = exam
    return gradebook
