"""Levels of viewers, and the roles, groups and permissions that they may grant."""

from enum import IntEnum
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from school.access import sees_everything
from school.models import Role, User


class Level(IntEnum):
    """Rank of a viewer: each level reaches more than the one before."""

    GUARDIAN = 0
    TEACHER = 1
    STAFF = 2
    ADMINISTRATOR = 3
    EVERYTHING = 4


def level_of(viewer: User) -> Level:
    return Level.EVERYTHING if sees_everything(viewer) else _level_of_role(viewer.role)


def roles_up_to(viewer: User) -> list[str]:
    """Return the roles that are not above the viewer's own."""
    return [role for role in Role if _level_of_role(role) <= level_of(viewer)]


def grantable_groups(viewer: User) -> Q:
    """Return the filter of groups that give no permission which the viewer lacks."""
    others = Group.objects.filter(permissions__in=lacking_permissions(viewer))
    return ~Q(pk__in=others.values("pk"))


def grantable_permissions(viewer: User) -> Q:
    """Return the filter of the permissions that the viewer has, and so may grant."""
    if viewer.is_superuser:
        return Q()
    own = Permission.objects.filter(Q(user=viewer) | Q(group__user=viewer))
    return Q(pk__in=own.values("pk"))


def lacking_permissions(viewer: User) -> QuerySet[Any, Any]:
    """Return the ids of the permissions that the viewer does not have."""
    if viewer.is_superuser:  # excluding by an empty filter would exclude nothing
        return Permission.objects.none().values("pk")
    return Permission.objects.exclude(grantable_permissions(viewer)).values("pk")


def _level_of_role(role: str) -> Level:
    return Level[Role(role).name]
