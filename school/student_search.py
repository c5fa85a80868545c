"""Search for the students a viewer may request reports about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Prefetch, Q, QuerySet

from school import access
from school.db import name_search
from school.models import Enrolment, SchoolClass, Student, User


@dataclass(frozen=True)
class StudentCursor:
    """Pagination cursor: a student's position in name order."""

    sort_key: bytes
    id: int


@dataclass(frozen=True)
class StudentQuery:
    """Search criteria and the cursor to continue after."""

    enrolments: QuerySet[Enrolment]
    """Enrolments to search, a subset of those visible to the viewer."""
    name: str | None = None
    registration: str | None = None
    after: StudentCursor | None = None


@dataclass(frozen=True)
class StudentMatch:
    """A student with the student's classes that the viewer may see."""

    student: Student
    classes: Sequence[SchoolClass]

    @property
    def cursor(self) -> StudentCursor:
        return StudentCursor(bytes(self.student.sort_key), self.student.pk)


def find_students(
    viewer: User, query: StudentQuery, *, limit: int
) -> list[StudentMatch]:
    """Return the first `limit` matches in name order, using two queries."""
    enrolments = access.visible_enrolments(viewer).order_by(
        "-school_class__school_year__year", "school_class__sort_key", "school_class_id"
    )
    visible = Prefetch(
        "enrolments",
        enrolments.select_related("school_class__school_year"),
        to_attr="visible_enrolments",
    )
    students = _select_students(query).prefetch_related(visible)[:limit]
    return [
        StudentMatch(student, _distinct_classes(cast(Any, student).visible_enrolments))
        for student in students
    ]


def _select_students(query: StudentQuery) -> QuerySet[Student]:
    # `IN` instead of `EXISTS`: for a viewer of one class the database then reads that
    # class only, not every name.
    student_ids = query.enrolments.order_by().values("student")
    students = Student.objects.filter(pk__in=student_ids)
    if query.name is not None:
        students = students.filter(name_search.name_filter("sort_key", query.name))
    if query.registration is not None:
        students = students.filter(registration=query.registration)
    if query.after is not None:
        key, id = query.after.sort_key, query.after.id
        students = students.filter(Q(sort_key__gt=key) | Q(sort_key=key, pk__gt=id))
    return students.order_by("sort_key", "pk")


def _distinct_classes(enrolments: Sequence[Enrolment]) -> list[SchoolClass]:
    """Return each class once, even if the student left it and came back."""
    return list({e.school_class_id: e.school_class for e in enrolments}.values())
