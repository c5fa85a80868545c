"""Records of each model that a viewer of the admin may see, choose and change.

Attachments give visibility, as in `school.access`; Django's permissions say what a viewer
may do with a visible record. A record may be changed only by viewers whose role reaches
everything it affects: a school year, for example, by administrators of its network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from school import models as m
from school.access import (
    hidden_enrolments,
    sees_everything,
    visible_classes,
    visible_enrolments,
    visible_schools,
    visible_students,
)
from school.models import Role, User
from school.rights import (
    Level,
    grantable_groups,
    grantable_permissions,
    lacking_permissions,
    level_of,
    roles_up_to,
)


@dataclass(frozen=True)
class RecordAccess:
    """Access of viewers of the admin to the records of one model."""

    visible: Callable[[User], Q]
    """Filter of the records that the viewer may see; not asked if he sees everything."""
    change_level: Level = Level.EVERYTHING
    """Lowest level that may change visible records."""
    add_level: Level | None = None
    """Lowest level that may add records, if it is not `change_level`."""
    network_path: str = ""
    """Attributes that lead to the network, separated by dots; empty if there is none."""


def register(model: type[Model], access: RecordAccess) -> None:
    """Set the access to a model that has its rule beside its page."""
    RECORD_ACCESS[model] = access


def visible_records(viewer: User, model: type[Model]) -> QuerySet[Any]:
    """Return the records of the model that the viewer may see."""
    return narrow(viewer, model._default_manager.all())


def narrow(viewer: User, records: QuerySet[Any]) -> QuerySet[Any]:
    """Return those of the records that the viewer may see."""
    access = RECORD_ACCESS[records.model]
    if not viewer.is_active:
        return records.none()
    return (
        records if sees_everything(viewer) else records.filter(access.visible(viewer))
    )


def choices_for(viewer: User, field: Any) -> QuerySet[Any]:
    """Return the records that the viewer may choose in a relation of a form."""
    model = field.remote_field.model
    if field.model is m.Attachment and field.name != "user":
        return _attachable_records(viewer, model)
    return visible_records(viewer, model)


def _attachable_records(viewer: User, model: type[Model]) -> QuerySet[Any]:
    """Return the records that the viewer reaches as a whole, as a user attached to one does.

    Staff see their network, but reach only their schools. The old school of a student who
    moved reaches a part of the student: a guardian's account would give it the rest.
    """
    records = visible_records(viewer, model)
    if not may_change(viewer, model):
        return records.none()
    if model is m.Student:
        hidden = hidden_enrolments(viewer).filter(student=OuterRef("pk"))
        return records.filter(~Q(Exists(hidden)))
    return records


def may_change(viewer: User, model: type[Model]) -> bool:
    """Return whether the viewer's role may change the records of the model that it sees."""
    return level_of(viewer) >= RECORD_ACCESS[model].change_level


def may_add(viewer: User, model: type[Model]) -> bool:
    access = RECORD_ACCESS[model]
    level = access.change_level if access.add_level is None else access.add_level
    return level_of(viewer) >= level


def are_visible(viewer: User, records: list[Model]) -> bool:
    """Return whether the viewer may see all of these records of one model."""
    pks = {record.pk for record in records}
    visible = visible_records(viewer, type(records[0])).filter(pk__in=pks)
    return visible.count() == len(pks)


def network_of(record: Model) -> int | None:
    """Return the id of the network that the record belongs to; None if to none."""
    access = RECORD_ACCESS.get(type(record))
    if access is None or not access.network_path:
        return None
    value: Any = record
    for name in access.network_path.split("."):
        value = getattr(value, name, None)
    return None if value is None else int(value)


def visible_users(viewer: User) -> QuerySet[User]:
    """Return the viewer and the users who reach and may do nothing beyond the viewer."""
    return visible_records(viewer, User)


def _by_network(path: str) -> Callable[[User], Q]:
    """Return the filter of records whose network the viewer may see."""

    def visible(viewer: User) -> Q:
        return Q(**{f"{path}__in": _visible_network_ids(viewer)})

    return visible


def _visible_network_ids(viewer: User) -> QuerySet[Any, Any]:
    """Return the ids of the networks the viewer is attached to, or whose schools he sees."""
    if viewer.role == Role.ADMINISTRATOR:
        return m.Network.objects.filter(attachment__user=viewer).values("pk")
    return visible_schools(viewer).order_by().values("network")


def _by(path: str, records: Callable[[User], QuerySet[Any]]) -> Callable[[User], Q]:
    """Return the filter of records that refer through `path` to visible `records`."""

    def visible(viewer: User) -> Q:
        pks = records(viewer).order_by().values("pk")
        return Q(**{f"{path}__in": pks})

    return visible


def _students(viewer: User) -> QuerySet[m.Student]:
    """Return the visible students; administrators also see those without an enrolment."""
    if viewer.role != Role.ADMINISTRATOR:
        return visible_students(viewer)
    return m.Student.objects.filter(network__in=_visible_network_ids(viewer))


def _everything(_viewer: User) -> Q:
    return Q()


def _crests(viewer: User) -> Q:
    return _by_network("network")(viewer) | _by("school", visible_schools)(viewer)


def _attachments(viewer: User) -> Q:
    """Return the filter of attachments whose target the viewer reaches as a whole."""
    in_reach = Q(pk__in=[])
    for name in ("network", "school", "school_class", "student"):
        choices = choices_for(viewer, m.Attachment._meta.get_field(name))
        in_reach |= Q(**{f"{name}__in": choices.order_by().values("pk")})
    return in_reach


def _users(viewer: User) -> Q:
    """Return the filter of the viewer and of users with less or equal reach and rights."""
    attachments = m.Attachment.objects.filter(user=OuterRef("pk"))
    in_reach = m.Attachment.objects.filter(_attachments(viewer)).values("pk")
    others = (
        Q(Exists(attachments))
        & ~Q(Exists(attachments.exclude(pk__in=in_reach)))
        & Q(role__in=roles_up_to(viewer))
    )
    if not viewer.is_superuser:
        lacking = lacking_permissions(viewer)
        own = User.user_permissions.through.objects.filter(permission__in=lacking)
        by_group = User.groups.through.objects.filter(group__permissions__in=lacking)
        others &= Q(is_superuser=False)
        others &= ~Q(Exists(own.filter(user=OuterRef("pk"))))
        others &= ~Q(Exists(by_group.filter(user=OuterRef("pk"))))
    return Q(pk=viewer.pk) | others


_CLASS_NETWORK = "school_class.school.network_id"
_BY_ENROLMENT = RecordAccess(
    _by("enrolment", visible_enrolments),
    Level.TEACHER,
    network_path=f"enrolment.{_CLASS_NETWORK}",
)
_OF_YEAR = RecordAccess(
    _by_network("school_year__network"),
    Level.ADMINISTRATOR,
    network_path="school_year.network_id",
)
_BY_CLASS = RecordAccess(
    _by("school_class", visible_classes), Level.TEACHER, network_path=_CLASS_NETWORK
)
_CATALOGUE = RecordAccess(_everything)
"""Access to records that all networks share: everybody sees them."""

RECORD_ACCESS: dict[type[Model], RecordAccess] = {
    m.Network: RecordAccess(
        _by_network("pk"), Level.ADMINISTRATOR, Level.EVERYTHING, "pk"
    ),
    m.School: RecordAccess(
        _by("pk", visible_schools), Level.STAFF, Level.ADMINISTRATOR, "network_id"
    ),
    m.Crest: RecordAccess(_crests, Level.STAFF),
    m.SchoolYear: RecordAccess(
        _by_network("network"), Level.ADMINISTRATOR, network_path="network_id"
    ),
    m.Term: _OF_YEAR,
    m.YearRules: _OF_YEAR,
    m.SchoolYearEvent: _OF_YEAR,
    m.RuleProfile: RecordAccess(
        _by_network("network"), Level.ADMINISTRATOR, network_path="network_id"
    ),
    m.RuleVersion: RecordAccess(
        _by_network("profile__network"),
        Level.ADMINISTRATOR,
        network_path="profile.network_id",
    ),
    m.GradeLevel: _CATALOGUE,
    m.Subject: _CATALOGUE,
    m.SchoolClass: RecordAccess(
        _by("pk", visible_classes), Level.TEACHER, Level.STAFF, "school.network_id"
    ),
    m.Offering: _BY_CLASS,
    m.ClassSession: _BY_CLASS,
    m.Student: RecordAccess(
        _by("pk", _students), Level.TEACHER, network_path="network_id"
    ),
    m.PriorYear: RecordAccess(_by("student", _students), Level.TEACHER),
    m.PriorSubject: RecordAccess(_by("prior_year__student", _students), Level.TEACHER),
    m.Enrolment: RecordAccess(
        _by("pk", visible_enrolments), Level.TEACHER, network_path=_CLASS_NETWORK
    ),
    m.Grade: _BY_ENROLMENT,
    m.RecoveryGrade: _BY_ENROLMENT,
    m.Exemption: _BY_ENROLMENT,
    m.Absence: _BY_ENROLMENT,
    m.Attachment: RecordAccess(_attachments, Level.TEACHER),
    User: RecordAccess(_users, Level.TEACHER),
    Group: RecordAccess(grantable_groups),
    Permission: RecordAccess(grantable_permissions),
}
