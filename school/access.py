"""Access control: every decision about what a user may see, made by enrolment."""

from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    DateField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce

from school.json_ids import JsonIdsIn
from school.models import (
    Attachment,
    Enrolment,
    GradeLevel,
    Role,
    School,
    SchoolClass,
    SchoolYear,
    Student,
    User,
)
from school.prepared_sql import Parameter, PreparedQuery
from school.role_paths import PATHS_BY_ROLE, RolePaths
from school.scope import Scope
from school.subqueries import DistinctValues
from school.year_members import SEEN_UNTIL, in_regular_classes, year_has_member


class Reach(Enum):
    """Extent of the enrolments a report may read beyond the selected ones."""

    SELECTED = "selected enrolments only"
    YEAR = "what came before in the same school years, at any school of the network"
    HISTORY = "all years of the same students, until they left the viewer's schools"


_RELATED_FIELDS = {"school_class": ("school", "school_year")}


def visible_enrolments(viewer: User) -> QuerySet[Enrolment]:
    """Return the enrolments the viewer may see; reports read no others.

    Access goes by enrolment, not by student: the old school of a student who moved sees
    its own part of the year and nothing of the new school's part.
    """
    return Enrolment.objects.filter(
        _viewer_filter(viewer, _paths_for(viewer).enrolment_path)
    )


def hidden_enrolments(viewer: User) -> QuerySet[Enrolment]:
    """Return the enrolments that the viewer may not see."""
    if sees_everything(viewer) and viewer.is_active:
        return Enrolment.objects.none()  # an empty filter would exclude nothing
    return Enrolment.objects.exclude(
        _viewer_filter(viewer, _paths_for(viewer).enrolment_path)
    )


def visible_classes(viewer: User) -> QuerySet[SchoolClass]:
    visible = _viewer_filter(viewer, _paths_for(viewer).class_path)
    return SchoolClass.objects.filter(visible).distinct()


def visible_schools(viewer: User) -> QuerySet[School]:
    return School.objects.filter(
        _viewer_filter(viewer, _paths_for(viewer).school_path)
    ).distinct()


def visible_school_years(viewer: User) -> QuerySet[SchoolYear]:
    """Return the school years of the visible classes."""
    years = visible_classes(viewer).order_by().values("school_year")
    return SchoolYear.objects.filter(pk__in=years)


def visible_grade_levels(viewer: User) -> QuerySet[GradeLevel]:
    """Return the grade levels of the visible classes; all networks share the records."""
    levels = visible_classes(viewer).order_by().values("grade_levels")
    return GradeLevel.objects.filter(pk__in=levels)


def visible_students(viewer: User) -> QuerySet[Student]:
    return Student.objects.filter(enrolments__in=visible_enrolments(viewer)).distinct()


def same_year(viewer: User, enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Return what the years as of the visible ones of `enrolments` are made of, at any school.

    Whoever has a student is told of the year before, as by the paper that a transfer
    brings; the old school is told of nothing after.
    """
    visible = _viewer_filter(viewer, _paths_for(viewer).enrolment_path)
    as_of = enrolments.order_by().filter(visible, year_has_member())
    return Enrolment.objects.filter(Exists(as_of))


def full_history(viewer: User, enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Return the students' enrolments in every year and school, for transcripts.

    `enrolments` must be visible to the viewer. The result is limited to regular classes of
    the same network, and to enrolments that began before the student left the viewer's
    schools: the old school must not learn where the student went. If no exit date is
    recorded, the end of the school year counts as the exit. Records from the day in
    `SEEN_UNTIL` on belong to the next school; None is for no such day.
    """
    students = in_regular_classes(enrolments).order_by().values("student")
    if viewer.role == Role.ADMINISTRATOR:  # sees all of the network, and in less time
        return in_regular_classes(visible_enrolments(viewer)).filter(
            student__in=students
        )
    year, entry = OuterRef("school_class__school_year"), OuterRef("entry_date")
    # Few schools record an exit date for students who leave after the school year.
    open_until_year_end = Q(
        exit_date=None, school_class__school_year__ends_on__gte=entry
    )
    is_other_year = ~Q(school_class__school_year=year) & (
        open_until_year_end | Q(exit_date__gt=entry)
    )
    viewer_enrolments = in_regular_classes(visible_enrolments(viewer)).filter(
        is_other_year | year_has_member(),
        student=OuterRef("student"),
        school_class__school__network=OuterRef("school_class__school__network"),
    )
    year_end = When(
        ~Q(school_class__school_year=year), then="school_class__school_year__ends_on"
    )
    exit = Coalesce("exit_date", Case(year_end, output_field=DateField()))
    last_exits = viewer_enrolments.annotate(_exit=exit).order_by(
        F("_exit").desc(nulls_first=True)
    )
    return (
        in_regular_classes(Enrolment.objects.all())
        .filter(Exists(viewer_enrolments), student__in=students)
        .annotate(**{SEEN_UNTIL: Subquery(last_exits.values("_exit")[:1])})
    )


def expand(
    viewer: User, enrolments: QuerySet[Enrolment], reach: Reach
) -> QuerySet[Enrolment]:
    """Return the enrolments a report may read; `enrolments` must be visible to the viewer."""
    if reach is Reach.SELECTED:
        return enrolments
    if reach is Reach.YEAR:
        return same_year(viewer, enrolments)
    return full_history(viewer, enrolments)


def attached_records(viewer: User) -> list[Any]:
    """Return the records that give the viewer's role its access, sorted by name."""
    target = _paths_for(viewer).attachment_field
    attachments = _prepare_attachments(Role(viewer.role)).read(viewer_id=viewer.pk)
    return [getattr(attachment, target) for attachment in attachments]


@cache
def _prepare_attachments(role: Role) -> PreparedQuery[Attachment]:
    """Prepare the query of a viewer's attachments with their targets, sorted by name."""
    viewer = any_viewer(role, is_superuser=False)
    target = _paths_for(viewer).attachment_field
    order = "name" if target == "network" else "sort_key"
    related_fields = [f"{target}__{part}" for part in _RELATED_FIELDS.get(target, ())]
    attachments = _attachments(viewer).select_related(target, *related_fields)
    return PreparedQuery(attachments.order_by(f"{target}__{order}", f"{target}_id"))


def any_viewer(role: Role, *, is_superuser: bool) -> User:
    """Return any active user of a role, for prepared queries with the parameter `viewer_id`."""
    viewer_id: Any = Parameter("viewer_id", BigIntegerField())
    return User(pk=viewer_id, role=role, is_superuser=is_superuser)


def scope_of(viewer: User, enrolments: QuerySet[Enrolment]) -> Scope:
    """Return the scope through which the viewer sees these enrolments."""
    subqueries = scope_subqueries(viewer, enrolments, are_visible=False)
    values = User.objects.filter(pk=viewer.pk).values(**subqueries).get()
    return Scope.from_values(viewer.role, values)


def scope_subqueries(
    viewer: User, enrolments: QuerySet[Enrolment], *, are_visible: bool
) -> dict[str, Subquery]:
    """Return the subqueries for `Scope.from_values`; fewer if the viewer sees all enrolments."""
    path = _paths_for(viewer).enrolment_path
    if are_visible:
        return {"scope_ids": DistinctValues(enrolments, path)}
    visible = enrolments.filter(_viewer_filter(viewer, path))
    subqueries: dict[str, Subquery] = {"scope_ids": DistinctValues(visible, path)}
    if viewer.role != Role.ADMINISTRATOR:  # sees whole networks, and no year leaves one
        others = enrolments.exclude(pk__in=visible.order_by().values("pk"))
        subqueries["other_schools"] = DistinctValues(others, "school_class__school")
    return subqueries


def can_still_see(viewer: User, scope: Scope) -> bool:
    """Return whether the viewer may still see everything seen through the scope."""
    if not viewer.is_active or viewer.role != scope.role:
        return False
    return sees_everything(viewer) or set(scope.ids) <= set(_attached_ids(viewer))


def still_visible(viewer: User, field: str) -> Q:
    """Return the filter for rows whose scope, stored in `field`, passes `can_still_see`."""
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
    """Return whether the viewer is a superuser administrator, who needs no attachment."""
    return viewer.is_superuser and viewer.role == Role.ADMINISTRATOR


def _paths_for(viewer: User) -> RolePaths:
    return PATHS_BY_ROLE[Role(viewer.role)]


def _viewer_filter(viewer: User, path: str) -> Q:
    if not viewer.is_active:
        return Q(pk__in=[])
    if sees_everything(viewer):
        return Q()
    return Q(**{f"{path}__in": _attached_ids(viewer)})


def _attachments(viewer: User) -> QuerySet[Attachment]:
    target = _paths_for(viewer).attachment_field
    return Attachment.objects.filter(user=viewer.pk, **{f"{target}__isnull": False})


def _attached_ids(viewer: User) -> Iterable[int]:
    return _attachments(viewer).values_list(
        f"{_paths_for(viewer).attachment_field}_id", flat=True
    )
