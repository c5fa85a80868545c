"""Finds the students whom a viewer may name in a request for a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Prefetch, Q, QuerySet

from school import access
from school.db import name_search
from school.models import Enrolment, SchoolClass, Student, User


@dataclass(frozen=True)
class StudentCursor:
    """A student's place in the order of names."""

    sort_key: bytes
    id: int


@dataclass(frozen=True)
class StudentQuery:
    """Which students are looked for."""

    enrolments: QuerySet[Enrolment]
    """Of those that the viewer may see."""
    name: str | None = None
    registration: str | None = None
    after: StudentCursor | None = None


@dataclass(frozen=True)
class StudentMatch:
    """A student, and those of the student's classes that the viewer may see."""

    student: Student
    classes: Sequence[SchoolClass]

    @property
    def cursor(self) -> StudentCursor:
        return StudentCursor(bytes(self.student.sort_key), self.student.pk)


def find_students(
    viewer: User, query: StudentQuery, *, limit: int
) -> list[StudentMatch]:
    """The first of them in the order of names, in two queries."""
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
    # By `IN` and not `EXISTS`: who sees a class reads a class, not all names there are.
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
    """Each once, however often the student left it and came back."""
    return list({e.school_class_id: e.school_class for e in enrolments}.values())
