"""Who may see what: the one place that decides it, by enrolment."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

from django.db.models import BooleanField, Exists, Func, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTransform

from school.models import (
    Attachment,
    Enrolment,
    Role,
    School,
    SchoolClass,
    Student,
    User,
)


@dataclass(frozen=True)
class _Level:
    """What the users of one role are attached to, and where that is found."""

    attachment: str
    enrolments: str
    classes: str
    schools: str


LEVELS = {
    Role.ADMINISTRATOR: _Level(
        "network", "school_class__school__network", "school__network", "network"
    ),
    Role.STAFF: _Level("school", "school_class__school", "school", "pk"),
    Role.TEACHER: _Level("school_class", "school_class", "pk", "classes"),
    Role.GUARDIAN: _Level(
        "student", "student", "enrolments__student", "classes__enrolments__student"
    ),
}


class Reach(Enum):
    """How far a report looks beyond the enrolments that are asked for."""

    ASKED = "no further"
    YEAR = "all of the same students' years that the viewer may see"
    HISTORY = "the same students' years everywhere, until they left the viewer"


_SHOWN_WITH = {"school_class": ("school", "school_year")}


@dataclass(frozen=True)
class Scope:
    """By which role, and through which of its attachments, something was seen."""

    role: str
    ids: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return {"role": self.role, "ids": list(self.ids)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(value["role"], tuple(value["ids"]))


def visible_enrolments(viewer: User) -> QuerySet[Enrolment]:
    """The enrolments the viewer may see: all that a report is ever handed.

    By enrolment and not by student: the old school of a student who moved away sees its
    own part of the year and nothing of the new one.
    """
    return Enrolment.objects.filter(_reach(viewer, _level(viewer).enrolments))


def visible_classes(viewer: User) -> QuerySet[SchoolClass]:
    reach = _reach(viewer, _level(viewer).classes)
    return SchoolClass.objects.filter(reach).distinct()


def visible_schools(viewer: User) -> QuerySet[School]:
    return School.objects.filter(_reach(viewer, _level(viewer).schools)).distinct()


def visible_students(viewer: User) -> QuerySet[Student]:
    return Student.objects.filter(enrolments__in=visible_enrolments(viewer)).distinct()


def shown_with(viewer: User, enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """All that the viewer may see of the same students in the same school years."""
    year = "school_class__school_year"
    same = enrolments.order_by().filter(
        student=OuterRef("student"), **{year: OuterRef(year)}
    )
    return visible_enrolments(viewer).filter(Exists(same))


def whole_histories(
    viewer: User, enrolments: QuerySet[Enrolment]
) -> QuerySet[Enrolment]:
    """All enrolments of the same students, for transcripts: in every year and school.

    `enrolments` are of those that the viewer may see, which alone are seen everywhere
    else. Of the same network, and only what began before the student left the viewer, with
    the school year if no day is recorded: where the student went then is no matter of the
    old school.
    """
    network, entry = "school_class__school__network", OuterRef("entry_date")
    # Few schools write down that somebody left when the year was over.
    was_there = Q(exit_date=None, school_class__school_year__ends_on__gte=entry)
    with_the_viewer = visible_enrolments(viewer).filter(
        was_there | Q(exit_date__gt=entry) | Q(pk=OuterRef("pk")),
        student=OuterRef("student"),
        **{network: OuterRef(network)},
    )
    return Enrolment.objects.filter(
        Exists(with_the_viewer), student__in=enrolments.order_by().values("student")
    )


def reached(
    viewer: User, enrolments: QuerySet[Enrolment], reach: Reach
) -> QuerySet[Enrolment]:
    """All that may be looked at to report on these enrolments, which are the viewer's."""
    if reach is Reach.ASKED:
        return enrolments
    look = shown_with if reach is Reach.YEAR else whole_histories
    return look(viewer, enrolments)


def attached_records(viewer: User) -> list[Any]:
    """What the viewer is attached to, as far as their role goes by it: by name."""
    target = _level(viewer).attachment
    order = "name" if target == "network" else "sort_key"
    parts = [f"{target}__{part}" for part in _SHOWN_WITH.get(target, ())]
    held = _attachments(viewer).select_related(target, *parts)
    ordered = held.order_by(f"{target}__{order}", f"{target}_id")
    return [getattr(attachment, target) for attachment in ordered]


def scope_of(viewer: User, enrolments: QuerySet[Enrolment]) -> Scope:
    """Through which attachments the viewer sees these enrolments, as far as they do."""
    path = _level(viewer).enrolments
    own = enrolments.filter(_reach(viewer, path))
    seen = own.order_by().values_list(path, flat=True)
    return Scope(viewer.role, tuple(sorted(seen.distinct())))


def still_sees(viewer: User, scope: Scope) -> bool:
    """Whether what was seen through that scope is the viewer's to see today."""
    if not viewer.is_active or viewer.role != scope.role:
        return False
    return sees_everything(viewer) or set(scope.ids) <= set(_attached_ids(viewer))


def still_seen(viewer: User, field: str) -> Q:
    """The same of the rows that keep a scope in that field."""
    if not viewer.is_active:
        return Q(pk__in=[])
    of_role = Q(**{f"{field}__role": viewer.role})
    if sees_everything(viewer):
        return of_role
    held = Subquery(_attachments(viewer).values(f"{_level(viewer).attachment}_id"))
    return of_role & Q(AllAmong(KeyTransform("ids", field), held))


def sees_everything(viewer: User) -> bool:
    """Whether the viewer's role goes by no attachment."""
    return viewer.is_superuser and viewer.role == Role.ADMINISTRATOR


def _level(viewer: User) -> _Level:
    return LEVELS[Role(viewer.role)]


def _reach(viewer: User, path: str) -> Q:
    if not viewer.is_active:
        return Q(pk__in=[])
    if sees_everything(viewer):
        return Q()
    return Q(**{f"{path}__in": _attached_ids(viewer)})


def _attachments(viewer: User) -> QuerySet[Attachment]:
    target = _level(viewer).attachment
    return Attachment.objects.filter(user=viewer, **{f"{target}__isnull": False})


def _attached_ids(viewer: User) -> Iterable[int]:
    return _attachments(viewer).values_list(
        f"{_level(viewer).attachment}_id", flat=True
    )


class AllAmong(Func):
    """Whether all numbers of a JSON list are among those that a query finds."""

    arity = 2
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="NOT EXISTS (SELECT 1 FROM json_each(%(expressions)s)",
            arg_joiner=") WHERE value NOT IN ",
        )

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text(%(expressions)s)",
            arg_joiner=") AS held (id) WHERE held.id::bigint NOT IN ",
        )
