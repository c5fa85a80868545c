"""Group of the network managers, and the admin of groups."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, Permission

from school.admin.base import ScopedAdmin

NETWORK_MANAGERS = "Network managers"
MANAGER_PERMISSIONS = (
    "add_user", "change_user", "view_user",
    "add_attachment", "change_attachment", "delete_attachment", "view_attachment",
    # To choose what a user is attached to.
    "view_network", "view_school", "view_schoolclass", "view_student",
)  # fmt: skip

admin.site.unregister(Group)


@admin.register(Group)
class ScopedGroupAdmin(ScopedAdmin, GroupAdmin):
    """Pages of groups; only viewers who see everything may change them."""


def install_network_managers(using: str, **_: Any) -> None:
    """Create the group of network managers unless it exists; its permissions may be edited."""
    group, is_new = Group.objects.using(using).get_or_create(name=NETWORK_MANAGERS)
    if is_new:
        permissions = Permission.objects.using(using).filter(
            content_type__app_label="school", codename__in=MANAGER_PERMISSIONS
        )
        group.permissions.set(permissions)
