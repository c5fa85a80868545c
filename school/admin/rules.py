"""Django admin of rule profiles; saving one creates a new version of its rules."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest

from school import record_access
from school.admin.base import ScopedAdmin, ScopedInline, viewer_of
from school.admin.rule_form import RuleProfileForm
from school.models import (
    Network,
    RuleProfile,
    RuleVersion,
    SchoolYear,
    YearRules,
    default_rule_profiles,
)


class VersionInline(ScopedInline):
    """Read-only list of a profile's versions and the school years that use them."""

    model = RuleVersion
    fields = ["number", "created_at", "rules", "used_by"]
    readonly_fields = ["number", "created_at", "rules", "used_by"]
    verbose_name_plural = "versions"
    can_delete = False

    def has_add_permission(self, *_: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleVersion]:
        years = YearRules.objects.select_related("school_year", "grade_level")
        return (
            super()
            .get_queryset(request)
            .select_related("profile")
            .prefetch_related(Prefetch("years", years))
        )

    @admin.display(description="Rules")
    def rules(self, version: RuleVersion) -> str:
        return "; ".join(f"{name}: {value}" for name, value in version.content.items())

    @admin.display(description="Used by")
    def used_by(self, version: RuleVersion) -> str:
        labels = [
            f"{year.school_year}, {year.grade_level or 'other levels'}"
            for year in version.years.all()
        ]
        return "; ".join(labels) or "-"


@admin.register(RuleProfile)
class RuleProfileAdmin(ScopedAdmin):
    form = RuleProfileForm
    list_display = ["name", "code", "network", "source"]
    list_filter = ["network"]
    list_select_related = ["network"]
    search_fields = ["sort_key__name_words", "code", "source"]
    inlines = [VersionInline]

    def get_readonly_fields(
        self, request: HttpRequest, obj: RuleProfile | None = None
    ) -> list[str]:
        return ["network", "code"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: RuleProfile, form: Any, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        version = obj.revise(form.rules)
        self.message_user(request, f"The rules were saved as version {version.number}.")


class YearRulesFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        # The year is saved before its rules, and a closed year refuses rule changes.
        if self.instance.is_closed and self.has_changed():
            raise forms.ValidationError(
                "Save the changed rules first, then close the year."
            )


class OpenYearInline(ScopedInline):
    """Records of a school year; read-only once the year is closed."""

    def has_add_permission(
        self, request: HttpRequest, obj: SchoolYear | None = None
    ) -> bool:
        return super().has_add_permission(request, obj) and is_open(obj)

    def has_change_permission(
        self, request: HttpRequest, obj: SchoolYear | None = None
    ) -> bool:
        return super().has_change_permission(request, obj) and is_open(obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: SchoolYear | None = None
    ) -> bool:
        return super().has_delete_permission(request, obj) and is_open(obj)


class YearRulesInline(OpenYearInline):
    """Rules of a school year; read-only once the year is closed."""

    model = YearRules
    formset = YearRulesFormSet
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[YearRules]:
        queryset = super().get_queryset(request)
        return queryset.select_related("school_year", "grade_level", "version__profile")

    def get_formset(
        self, request: HttpRequest, obj: SchoolYear | None = None, **options: Any
    ) -> Any:
        """Restrict the version choices to the network of the school year."""
        formset: Any = super().get_formset(request, obj, **options)
        if "version" in formset.form.base_fields:
            versions = record_access.visible_records(viewer_of(request), RuleVersion)
            versions = versions.select_related("profile")
            if obj is not None:
                versions = versions.filter(profile__network=obj.network_id)
            formset.form.base_fields["version"].queryset = versions
        return formset


def is_open(year: SchoolYear | None) -> bool:
    """Return whether the stored year is open, ignoring unsaved changes."""
    if year is None:
        return True
    return not SchoolYear.objects.filter(pk=year.pk, is_closed=True).exists()


@admin.action(description="Add the shipped rule profiles", permissions=["change"])
def add_default_profiles(
    model_admin: Any, request: HttpRequest, networks: QuerySet[Network]
) -> None:
    for network in networks:
        profiles = default_rule_profiles.install_profiles(network)
        names = ", ".join(profile.name for profile in profiles) or "none was missing"
        model_admin.message_user(request, f"{network}: {names}.", messages.SUCCESS)
