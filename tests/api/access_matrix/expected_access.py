"""Expected access of each user, written by hand without the access rules."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet

from school.models import Enrolment

EXPECTED_ACCESS = {
    # filter on enrolments, ids of schools, ids of classes
    "superuser": (Q(), {1, 2, 3, 4}, {1, 2, 3, 4, 5}),
    "administrator": (Q(school_class__in=[1, 2, 3, 4]), {1, 2, 3}, {1, 2, 3, 4}),
    "secretary": (Q(school_class__in=[1, 2]), {1}, {1, 2}),
    "teacher": (Q(school_class__in=[1, 2]), {1}, {1, 2}),
    "colleague": (Q(school_class=1), {1}, {1}),
    "guardian": (Q(student__in=[1, 27]), {1}, {1, 2}),
    "stranger": (Q(school_class=3), {2}, {3}),
    "neighbour": (Q(school_class=4), {3}, {4}),
}
ROLES = {
    "superuser": "administrator",
    "administrator": "administrator",
    "secretary": "staff",
    "teacher": "teacher",
    "colleague": "teacher",
    "guardian": "guardian",
    "stranger": "staff",
    "neighbour": "staff",
}


def expected_enrolments(name: str, parameters: dict[str, int]) -> QuerySet[Enrolment]:
    """Return the enrolments that a report with these parameters may show to the user."""
    path = {
        "class_id": "school_class",
        "school_id": "school_class__school",
        "student_id": "student",
        "year": "school_class__school_year__year",
    }
    filters = {path[key]: value for key, value in parameters.items() if key in path}
    return Enrolment.objects.filter(EXPECTED_ACCESS[name][0], **filters)


def expected_history(name: str, parameters: dict[str, int]) -> list[Enrolment]:
    """Return the enrolments that a transcript may show to the user.

    Those are the student's enrolments in a network, as far as they began before the
    student left the last school that the user sees there. (All are of one year, and none
    overlaps another.)
    """
    history = []
    for student in set(
        expected_enrolments(name, parameters).values_list("student", flat=True)
    ):
        visible = list(
            Enrolment.objects.filter(EXPECTED_ACCESS[name][0], student=student)
        )
        for one in Enrolment.objects.filter(student=student):
            networks = {
                other.school_class.school.network_id
                for other in visible
                if other.exit_date is None or other.exit_date > one.entry_date
            }
            if one.school_class.school.network_id in networks:
                history.append(one)
    return history


def is_predecessor(one: Enrolment, other: Enrolment) -> bool:
    """Return whether `one` precedes `other`: same student, year and level, and earlier."""
    return (
        one != other
        and one.student_id == other.student_id
        and one.grade_level_id == other.grade_level_id
        and one.school_class.school_year_id == other.school_class.school_year_id
        and one.exit_date is not None
        and one.exit_date <= other.entry_date
    )


def enrolment_chain(
    enrolment: Enrolment, enrolments: Iterable[Enrolment]
) -> list[Enrolment]:
    """Return the enrolment and its predecessors, oldest first."""
    predecessors = [one for one in enrolments if is_predecessor(one, enrolment)]
    return [*sorted(predecessors, key=lambda one: one.entry_date), enrolment]


def latest_only(enrolments: Iterable[Enrolment]) -> list[Enrolment]:
    """Return the enrolments that precede none of the others."""
    candidates = list(enrolments)
    return [
        one for one in candidates if not any(is_predecessor(one, e) for e in candidates)
    ]


def list_grades(enrolments: QuerySet[Enrolment]) -> list[Any]:
    """Return school, class, subject, term and tenths of every recorded grade."""
    return list(
        enrolments.filter(grades__isnull=False).values_list(
            "school_class__school__name",
            "school_class__name",
            "grades__offering__subject__name",
            "grades__term",
            "grades__tenths",
        )
    )
