"""What each of the people may see, said by hand: nothing here asks the access rules."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from school.models import Enrolment

SEES = {
    # whose enrolments, schools and classes
    "superuser": (Q(), {1, 2, 3, 4}, {1, 2, 3, 4, 5}),
    "administrator": (Q(school_class__in=[1, 2, 3, 4]), {1, 2, 3}, {1, 2, 3, 4}),
    "secretary": (Q(school_class__in=[1, 2]), {1}, {1, 2}),
    "teacher": (Q(school_class__in=[1, 2]), {1}, {1, 2}),
    "colleague": (Q(school_class=1), {1}, {1}),
    "guardian": (Q(student__in=[1, 27]), {1}, {1, 2}),
    "stranger": (Q(school_class=3), {2}, {3}),
}
ROLES = {
    "superuser": "administrator",
    "administrator": "administrator",
    "secretary": "staff",
    "teacher": "teacher",
    "colleague": "teacher",
    "guardian": "guardian",
    "stranger": "staff",
}
KINDS = {
    "report_card": {"administrator", "staff", "teacher", "guardian"},
    "class_performance": {"administrator", "staff", "teacher"},
}
"""Each kind's audience."""


def enrolments_of(name: str, parameters: dict[str, int]) -> QuerySet[Enrolment]:
    """What of it a report with these parameters may show to that person."""
    path = {
        "class_id": "school_class",
        "school_id": "school_class__school",
        "student_id": "student",
        "year": "school_class__school_year__year",
    }
    asked = {path[key]: value for key, value in parameters.items() if key in path}
    return Enrolment.objects.filter(SEES[name][0], **asked)


def grades_in(enrolments: QuerySet[Enrolment]) -> Sequence[Any]:
    """Each grade with all that names it: one by one, as they are recorded."""
    return list(
        enrolments.filter(grades__isnull=False).values_list(
            "school_class__school__name",
            "school_class__name",
            "diary_number",
            "student__registration",
            "student__name",
            "grades__offering__subject__name",
            "grades__term",
            "grades__tenths",
        )
    )
