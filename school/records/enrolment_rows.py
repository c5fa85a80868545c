"""Enrolment rows of reports: student, class, dates and exit."""

from collections.abc import Set
from datetime import date
from typing import NamedTuple

from django.db.models import Count, Q, QuerySet, Window

from school.models import Enrolment, School, SchoolClass
from school.models.network import year_label
from school.year_members import SEEN_UNTIL

_REGULAR = SchoolClass.Kind.REGULAR.value
FIELD_PATHS = {
    "id": "pk",
    "student_id": "student_id",
    "registration": "student__registration",
    "civil_name": "student__name",
    "social_name": "student__social_name",
    "birth_date": "student__birth_date",
    "school_id": "school_class__school_id",
    "school": "school_class__school__name",
    "class_id": "school_class_id",
    "class_name": "school_class__name",
    "class_kind": "school_class__kind",
    "level_id": "grade_level_id",
    "level": "grade_level__name",
    "year_id": "school_class__school_year_id",
    "year": "school_class__school_year__year",
    "period": "school_class__school_year__period",
    "year_starts_on": "school_class__school_year__starts_on",
    "year_ends_on": "school_class__school_year__ends_on",
    "is_closed": "school_class__school_year__is_closed",
    "number": "diary_number",
    "entry": "entry_date",
    "exit": "exit_date",
    "ending": "ending",
    "by_council": "approved_by_council",
    "retained_by_council": "retained_by_council",
    "seen_until": SEEN_UNTIL,
}
ORDER_BY_CLASS = (
    "school_class__school__sort_key",
    "school_class__school_id",
    "school_class__sort_key",
    "school_class_id",
    "diary_number",
    "pk",
)
ORDER_BY_STUDENT = (
    "student__sort_key",
    "student_id",
    "school_class__school_year__year",
    "entry_date",
    "pk",
)


MAX_QUERY_PARAMETERS = 30_000
"""Maximum number of values in an SQL statement; SQLite allows 32,766 parameters."""


class EnrolmentRow(NamedTuple):
    """One enrolment with the names of its student, school, class and level."""

    id: int
    student_id: int
    registration: str
    civil_name: str
    social_name: str
    birth_date: date
    school_id: int
    school: str
    class_id: int
    class_name: str
    class_kind: str
    level_id: int
    level: str
    year_id: int
    year: int
    period: str
    year_starts_on: date
    year_ends_on: date
    is_closed: bool
    number: int
    entry: date
    exit: date | None
    ending: str
    by_council: bool
    retained_by_council: bool
    seen_until: date | None
    """First day that the viewer does not see, if it sees only a part of the enrolment."""

    @property
    def display_name(self) -> str:
        return self.social_name or self.civil_name

    @property
    def year_label(self) -> str:
        return year_label(self.year, self.period)

    @property
    def year_key(self) -> tuple[int, int]:
        """Key of the student's year: the ids of the student and of the school year."""
        return self.student_id, self.year_id

    @property
    def is_regular(self) -> bool:
        """Return whether the enrolment is one that results count."""
        return self.class_kind == _REGULAR


def ambiguous_school_labels() -> dict[int, str]:
    """Return labels with the INEP code for schools that share a name within a network."""
    name_count = Window(Count("pk"), partition_by=["network", "name"])
    schools = School.objects.order_by().annotate(name_count=name_count)
    ambiguous = schools.filter(name_count__gt=1).values_list("pk", "name", "inep_code")
    return {id: f"{name} (INEP {code})" for id, name, code in ambiguous}


def list_classes_with_levels(
    enrolments: QuerySet[Enrolment],
) -> list[tuple[int, str, int, int]]:
    """Return the distinct class ids and kinds with the ids of school year and grade level."""
    rows = enrolments.order_by().values_list(
        "school_class_id",
        "school_class__kind",
        "school_class__school_year_id",
        "grade_level_id",
    )
    return list(rows.distinct())


def list_year_levels(enrolments: QuerySet[Enrolment]) -> list[tuple[int, int]]:
    """Return the distinct (school year, grade level) ids of the enrolments."""
    pairs = enrolments.order_by().values_list(
        "school_class__school_year_id", "grade_level_id"
    )
    return list(pairs.distinct())


def in_classes(classes: Set[int], path: str = "") -> Q:
    """Filter by these classes, or not at all above `MAX_QUERY_PARAMETERS` of them.

    `path` is the lookup of the record that belongs to the class, such as "offering__".
    """
    if len(classes) > MAX_QUERY_PARAMETERS:
        return Q()
    return Q(**{f"{path}school_class__in": classes})
