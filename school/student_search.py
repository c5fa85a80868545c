"""Finds the students whom a viewer may name in a request for a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Prefetch, Q, QuerySet

from school import access
from school.db import name_search
from school.models import Enrolment, SchoolClass, Student, User


@dataclass(frozen=True)
class Place:
    """A student's place in the order of names."""

    sort_key: bytes
    id: int


@dataclass(frozen=True)
class Wanted:
    """Which students are looked for."""

    enrolments: QuerySet[Enrolment]
    """Of those that the viewer may see."""
    name: str | None = None
    registration: str | None = None
    after: Place | None = None


@dataclass(frozen=True)
class Found:
    """A student, and those of the student's classes that the viewer may see."""

    student: Student
    classes: Sequence[SchoolClass]

    @property
    def place(self) -> Place:
        return Place(bytes(self.student.sort_key), self.student.pk)


def find_students(viewer: User, wanted: Wanted, *, size: int) -> list[Found]:
    """The first of them in the order of names, in two queries."""
    enrolments = access.visible_enrolments(viewer).order_by(
        "-school_class__school_year__year", "school_class__sort_key", "school_class_id"
    )
    seen = Prefetch(
        "enrolments",
        enrolments.select_related("school_class__school_year"),
        to_attr="seen",
    )
    matching = _matching(wanted).prefetch_related(seen)[:size]
    return [Found(student, _classes(cast(Any, student).seen)) for student in matching]


def _matching(wanted: Wanted) -> QuerySet[Student]:
    # By `IN` and not `EXISTS`: who sees a class reads a class, not all names there are.
    of_these = wanted.enrolments.order_by().values("student")
    found = Student.objects.filter(pk__in=of_these)
    if wanted.name is not None:
        found = found.filter(name_search.by_sort_key("sort_key", wanted.name))
    if wanted.registration is not None:
        found = found.filter(registration=wanted.registration)
    if wanted.after is not None:
        key, id = wanted.after.sort_key, wanted.after.id
        found = found.filter(Q(sort_key__gt=key) | Q(sort_key=key, pk__gt=id))
    return found.order_by("sort_key", "pk")


def _classes(enrolments: Sequence[Enrolment]) -> list[SchoolClass]:
    """Each once, however often the student left it and came back."""
    return list({e.school_class_id: e.school_class for e in enrolments}.values())
