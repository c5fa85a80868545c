"""Django admin of users: nobody grants or takes over more than he reaches himself."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from school import record_access, rights
from school.admin.base import ScopedAdmin, ScopedInline, viewer_of
from school.admin.groups import NETWORK_MANAGERS
from school.admin.passwords import PasswordLinkAdmin
from school.admin.second_factors import reset_second_factor
from school.models import Attachment, Role, User

RIGHTS = ("role", "is_active", "is_staff", "groups")
SUPERUSER_RIGHTS = ("is_superuser", "user_permissions")
"""Rights that only superusers see and grant."""


class AttachmentFormSet(BaseInlineFormSet):
    """Attachments of a user, who must keep one where the viewer does not see every user."""

    must_remain_attached = False

    def clean(self) -> None:
        super().clean()
        remaining = [
            form
            for form in self.forms
            if form.has_changed() or form.instance.pk
            if form not in self.deleted_forms
        ]
        if self.must_remain_attached and not remaining:
            # Without one the viewer would lose sight of the user.
            raise ValidationError(_("Attach the user to something in your reach."))


class AttachmentInline(ScopedInline):
    model = Attachment
    formset = AttachmentFormSet
    extra = 1
    autocomplete_fields = ["network", "school", "school_class", "student"]

    def get_formset(
        self, request: HttpRequest, obj: User | None = None, **options: Any
    ) -> Any:
        formset: Any = super().get_formset(request, obj, **options)
        sees_everything = rights.level_of(viewer_of(request)) is rights.Level.EVERYTHING
        formset.must_remain_attached = not sees_everything and obj != request.user
        return formset

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return obj != request.user and super().has_add_permission(request, obj)

    def has_change_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        return obj != request.user and super().has_change_permission(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        return obj != request.user and super().has_delete_permission(request, obj)


@admin.action(description=gettext_lazy("Log out everywhere"), permissions=["change"])
def end_sessions(
    user_admin: "SchoolUserAdmin", request: HttpRequest, users: QuerySet[User]
) -> None:
    for user in users:
        user.end_sessions()
        user_admin.log_change(request, user, "Logged out everywhere.")
    user_admin.message_user(request, _("Logged out everywhere."), messages.SUCCESS)


@admin.action(
    description=gettext_lazy("Make the selected users network managers"),
    permissions=["grant_managers"],
)
def make_network_managers(
    user_admin: "SchoolUserAdmin", request: HttpRequest, users: QuerySet[User]
) -> None:
    """Give the group and the admin to administrators of a network; pass over the others."""
    group = Group.objects.get(name=NETWORK_MANAGERS)
    suitable = users.filter(
        role=Role.ADMINISTRATOR, attachments__network__isnull=False
    ).exclude(pk=viewer_of(request).pk)
    managers = list(suitable.distinct())
    for user in managers:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
        user.groups.add(group)
        user_admin.log_change(request, user, [{"changed": {"fields": ["groups"]}}])
    text = ngettext(
        "{count} user is a network manager now.",
        "{count} users are network managers now.",
        len(managers),
    )
    user_admin.message_user(request, text.format(count=len(managers)), messages.SUCCESS)


@admin.register(User)
class SchoolUserAdmin(ScopedAdmin, PasswordLinkAdmin):
    form = UserChangeForm
    list_display = ["username", "first_name", "last_name", "role", "is_active"]
    list_filter = ["role", "is_active", "is_superuser"]
    search_fields = ["username", "sort_key__name_words", "email"]
    inlines = [AttachmentInline]
    actions = [make_network_managers, end_sessions, reset_second_factor]
    add_fieldsets = [
        *PasswordLinkAdmin.add_fieldsets,
        (gettext_lazy("School network"), {"fields": ["role"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        is_superuser = viewer_of(request).is_superuser
        hidden = () if is_superuser else SUPERUSER_RIGHTS
        return [
            (None, {"fields": ["username", "password", "must_change_password"]}),
            (
                gettext_lazy("Personal info"),
                {"fields": ["first_name", "last_name", "email"]},
            ),
            (
                gettext_lazy("Permissions"),
                {
                    "fields": [
                        f for f in (*RIGHTS, *SUPERUSER_RIGHTS) if f not in hidden
                    ]
                },
            ),
            (
                gettext_lazy("Important dates"),
                {"fields": ["last_login", "date_joined"]},
            ),
        ]

    def get_readonly_fields(
        self, request: HttpRequest, obj: User | None = None
    ) -> list[str]:
        dates = ["last_login", "date_joined"]
        if obj is not None and obj == request.user:
            return [*dates, "must_change_password", *RIGHTS, *SUPERUSER_RIGHTS]
        return dates

    def formfield_for_choice_field(
        self, db_field: Any, request: HttpRequest, **options: Any
    ) -> Any:
        if db_field.name == "role":
            roles = rights.roles_up_to(viewer_of(request))
            options["choices"] = [(role, Role(role).label) for role in roles]
        return super().formfield_for_choice_field(db_field, request, **options)

    def has_delete_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        return obj != request.user and super().has_delete_permission(request, obj)

    def has_grant_managers_permission(self, request: HttpRequest) -> bool:
        """Return whether the viewer has all permissions of the group himself."""
        groups = record_access.visible_records(viewer_of(request), Group)
        may_grant = groups.filter(name=NETWORK_MANAGERS).exists()
        return self.has_change_permission(request) and may_grant
