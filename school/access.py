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
class _RolePaths:
    """What the users of one role are attached to, and where that is found."""

    attachment_field: str
    enrolment_path: str
    class_path: str
    school_path: str


PATHS_BY_ROLE = {
    Role.ADMINISTRATOR: _RolePaths(
        "network", "school_class__school__network", "school__network", "network"
    ),
    Role.STAFF: _RolePaths("school", "school_class__school", "school", "pk"),
    Role.TEACHER: _RolePaths("school_class", "school_class", "pk", "classes"),
    Role.GUARDIAN: _RolePaths(
        "student", "student", "enrolments__student", "classes__enrolments__student"
    ),
}


class Reach(Enum):
    """How far a report looks beyond the enrolments that are asked for."""

    SELECTED = "no further"
    YEAR = "all of the same students' years that the viewer may see"
    HISTORY = "the same students' years everywhere, until they left the viewer"


_RELATED_FIELDS = {"school_class": ("school", "school_year")}


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
    return Enrolment.objects.filter(
        _viewer_filter(viewer, _paths_for(viewer).enrolment_path)
    )


def visible_classes(viewer: User) -> QuerySet[SchoolClass]:
    visible = _viewer_filter(viewer, _paths_for(viewer).class_path)
    return SchoolClass.objects.filter(visible).distinct()


def visible_schools(viewer: User) -> QuerySet[School]:
    return School.objects.filter(
        _viewer_filter(viewer, _paths_for(viewer).school_path)
    ).distinct()


def visible_students(viewer: User) -> QuerySet[Student]:
    return Student.objects.filter(enrolments__in=visible_enrolments(viewer)).distinct()


def same_year(viewer: User, enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """All that the viewer may see of the same students in the same school years."""
    year = "school_class__school_year"
    same_students = enrolments.order_by().filter(
        student=OuterRef("student"), **{year: OuterRef(year)}
    )
    return visible_enrolments(viewer).filter(Exists(same_students))


def full_history(viewer: User, enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """All enrolments of the same students, for transcripts: in every year and school.

    `enrolments` are of those that the viewer may see, which alone are seen everywhere
    else. Of the same network, and only what began before the student left the viewer, with
    the school year if no day is recorded: where the student went then is no matter of the
    old school.
    """
    network, entry = "school_class__school__network", OuterRef("entry_date")
    # Few schools write down that somebody left when the year was over.
    open_until_year_end = Q(
        exit_date=None, school_class__school_year__ends_on__gte=entry
    )
    viewer_enrolments = visible_enrolments(viewer).filter(
        open_until_year_end | Q(exit_date__gt=entry) | Q(pk=OuterRef("pk")),
        student=OuterRef("student"),
        **{network: OuterRef(network)},
    )
    return Enrolment.objects.filter(
        Exists(viewer_enrolments), student__in=enrolments.order_by().values("student")
    )


def expand(
    viewer: User, enrolments: QuerySet[Enrolment], reach: Reach
) -> QuerySet[Enrolment]:
    """All that may be looked at to report on these enrolments, which are the viewer's."""
    if reach is Reach.SELECTED:
        return enrolments
    widen = same_year if reach is Reach.YEAR else full_history
    return widen(viewer, enrolments)


def attached_records(viewer: User) -> list[Any]:
    """What the viewer is attached to, as far as their role goes by it: by name."""
    target = _paths_for(viewer).attachment_field
    order = "name" if target == "network" else "sort_key"
    related_fields = [f"{target}__{part}" for part in _RELATED_FIELDS.get(target, ())]
    attachments = _attachments(viewer).select_related(target, *related_fields)
    rows = attachments.order_by(f"{target}__{order}", f"{target}_id")
    return [getattr(attachment, target) for attachment in rows]


def scope_of(viewer: User, enrolments: QuerySet[Enrolment]) -> Scope:
    """Through which attachments the viewer sees these enrolments, as far as they do."""
    path = _paths_for(viewer).enrolment_path
    visible = enrolments.filter(_viewer_filter(viewer, path))
    ids = visible.order_by().values_list(path, flat=True)
    return Scope(viewer.role, tuple(sorted(ids.distinct())))


def can_still_see(viewer: User, scope: Scope) -> bool:
    """Whether what was seen through that scope is the viewer's to see today."""
    if not viewer.is_active or viewer.role != scope.role:
        return False
    return sees_everything(viewer) or set(scope.ids) <= set(_attached_ids(viewer))


def still_visible(viewer: User, field: str) -> Q:
    """The same of the rows that keep a scope in that field."""
    if not viewer.is_active:
        return Q(pk__in=[])
    same_role = Q(**{f"{field}__role": viewer.role})
    if sees_everything(viewer):
        return same_role
    attached_ids = Subquery(
        _attachments(viewer).values(f"{_paths_for(viewer).attachment_field}_id")
    )
    return same_role & Q(JsonIdsIn(KeyTransform("ids", field), attached_ids))


def sees_everything(viewer: User) -> bool:
    """Whether the viewer's role goes by no attachment."""
    return viewer.is_superuser and viewer.role == Role.ADMINISTRATOR


def _paths_for(viewer: User) -> _RolePaths:
    return PATHS_BY_ROLE[Role(viewer.role)]


def _viewer_filter(viewer: User, path: str) -> Q:
    if not viewer.is_active:
        return Q(pk__in=[])
    if sees_everything(viewer):
        return Q()
    return Q(**{f"{path}__in": _attached_ids(viewer)})


def _attachments(viewer: User) -> QuerySet[Attachment]:
    target = _paths_for(viewer).attachment_field
    return Attachment.objects.filter(user=viewer, **{f"{target}__isnull": False})


def _attached_ids(viewer: User) -> Iterable[int]:
    return _attachments(viewer).values_list(
        f"{_paths_for(viewer).attachment_field}_id", flat=True
    )


class JsonIdsIn(Func):
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
            arg_joiner=") AS item (id) WHERE item.id::bigint NOT IN ",
        )
