"""Admin form and pages of classes and their offerings."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from school import models as m
from school.admin.base import OneNetworkForm, ScopedAdmin, ScopedInline
from school.consistency.level_keys import HOLD
from school.consistency.messages import OTHER_LEVEL
from school.models.class_levels import release_keys


class SchoolClassForm(OneNetworkForm):
    """Form that checks the name of the class with the grade levels of the form."""

    def clean(self) -> dict[str, Any] | None:
        cleaned_data = super().clean()
        self.instance.levels_of_form = self.cleaned_data.get("grade_levels")
        return cleaned_data

    def _save_m2m(self) -> None:
        # Django removes first; what is left could be the levels of another class.
        self.instance.grade_levels.add(*self.cleaned_data["grade_levels"])
        super()._save_m2m()  # type: ignore[misc]


class OfferingForm(OneNetworkForm):
    """Form that checks the grade levels of the offering, which are saved after it."""

    def clean(self) -> dict[str, Any] | None:
        cleaned_data = super().clean()
        levels, school_class = (
            self.cleaned_data.get(name) for name in ("grade_levels", "school_class")
        )
        if levels is None or school_class is None:
            return cleaned_data
        class_levels = set(school_class.grade_levels.all())
        if not class_levels.issuperset(levels):
            self.add_error("grade_levels", gettext(OTHER_LEVEL))
        if "grade_levels" in self.changed_data and school_class.school_year.is_closed:
            self.add_error("grade_levels", gettext("The school year is closed."))
        return cleaned_data


class OfferingInline(ScopedInline):
    model = m.Offering
    extra = 0
    autocomplete_fields = ["subject"]
    exclude = ("grade_levels",)


@admin.register(m.SchoolClass)
class SchoolClassAdmin(ScopedAdmin):
    form = SchoolClassForm
    list_display = [
        "name",
        "code",
        "school",
        "school_year",
        "kind",
        "shift",
        "level_names",
    ]
    list_filter = ["school_year", "kind", "shift"]
    list_select_related = ["school", "school_year"]
    search_fields = ["sort_key__name_words", "code", "school__sort_key__name_words"]
    autocomplete_fields = ["school", "school_year", "grade_levels"]
    inlines = [OfferingInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("grade_levels")

    @admin.display(description=_("grade levels"))
    def level_names(self, school_class: m.SchoolClass) -> str:
        return ", ".join(level.name for level in school_class.grade_levels.all())

    def save_model(
        self, request: HttpRequest, obj: m.SchoolClass, form: Any, change: bool
    ) -> None:
        if change:  # the former levels under the new name may be those of another class
            obj.levels_key = f"{HOLD}{obj.pk}"
        super().save_model(request, obj, form, change)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        release_keys([form.instance.pk])


@admin.register(m.Offering)
class OfferingAdmin(ScopedAdmin):
    form = OfferingForm
    list_display = [
        "subject",
        "school_class",
        "hours",
        "counts_for_promotion",
        "is_optional",
    ]
    list_select_related = ["subject", "school_class__school_year"]
    search_fields = [
        "subject__sort_key__name_words",
        "school_class__sort_key__name_words",
    ]
    autocomplete_fields = ["subject", "school_class", "grade_levels"]
