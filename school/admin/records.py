"""Django admin of the school records."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from school import models as m
from school.admin.base import ScopedAdmin, ScopedInline, viewer_of
from school.admin.crest_inline import CrestInline
from school.admin.grade_changes import ReasonForm, ReasonPage
from school.admin.rules import add_default_profiles
from school.models.grade_field import format_grade
from school.rights import Level, level_of


def student_search_fields(path: str = "") -> list[str]:
    """Return the searched fields of students; `path` is the lookup of the student."""
    names = ["sort_key__name_words", "civil_name_key__name_words", "registration"]
    return [f"{path}{name}" for name in names]


@admin.register(m.Network)
class NetworkAdmin(ScopedAdmin):
    list_display = ["name", "code", "time_zone"]
    ordering = ["name"]
    search_fields = ["sort_key__name_words", "code"]
    actions = [add_default_profiles]
    inlines = [CrestInline]


@admin.register(m.School)
class SchoolAdmin(ScopedAdmin):
    list_display = ["name", "inep_code", "city", "state", "time_zone", "network"]
    list_filter = ["network", "state"]
    list_select_related = ["network"]
    search_fields = ["sort_key__name_words", "inep_code"]
    inlines = [CrestInline]


@admin.register(m.GradeLevel, m.Subject)
class OrderedAdmin(ScopedAdmin):
    list_display = ["name", "code", "order"]
    search_fields = ["sort_key__name_words", "code"]


class EnrolmentInline(ScopedInline):
    model = m.Enrolment
    extra = 0
    autocomplete_fields = ["school_class", "grade_level"]

    def get_formset(
        self, request: HttpRequest, obj: m.Student | None = None, **options: Any
    ) -> Any:
        """Demand an enrolment where students are visible by enrolment only."""
        if level_of(viewer_of(request)) < Level.ADMINISTRATOR:
            options |= {"min_num": 1, "validate_min": True}
        return super().get_formset(request, obj, **options)


@admin.register(m.Student)
class StudentAdmin(ScopedAdmin):
    list_display = ["display_name", "registration", "birth_date"]
    search_fields = student_search_fields()
    fieldsets = [
        (None, {"fields": ["network", "registration", "name", "social_name"]}),
        ("Birth", {"fields": ["birth_date", "birth_place", "nationality", "parents"]}),
        (
            "Documents",
            {"fields": ["inep_code", "identity_document", "birth_certificate"]},
        ),
    ]
    inlines = [EnrolmentInline]
    show_full_result_count = (
        False  # counting all students of a city on each page is slow
    )


@admin.register(m.Enrolment)
class EnrolmentAdmin(ScopedAdmin):
    list_display = [
        "student",
        "school_class",
        "diary_number",
        "entry_date",
        "exit_date",
        "ending",
    ]
    list_filter = ["ending", "approved_by_council", "retained_by_council"]
    list_select_related = ["student", "school_class__school_year"]
    search_fields = student_search_fields("student__")
    autocomplete_fields = ["student", "school_class", "grade_level"]
    show_full_result_count = False


class OfOfferingAdmin(ScopedAdmin):
    """Base of the pages of records of one student in one subject."""

    list_filter = ["term"]
    list_select_related = [
        "enrolment__school_class__school_year",
        "offering__subject",
        "offering__school_class__school_year",
    ]
    search_fields = student_search_fields("enrolment__student__")
    autocomplete_fields = ["enrolment", "offering"]
    show_full_result_count = False


@admin.register(m.Grade)
class GradeAdmin(ReasonPage, OfOfferingAdmin):
    form = ReasonForm
    list_display = ["enrolment", "offering", "term", "grade", "recovery"]

    @admin.display(description=_("grade"), ordering="tenths")
    def grade(self, record: m.Grade | m.RecoveryGrade) -> str:
        return format_grade(record.tenths, record.concept) or "–"

    @admin.display(description=_("recovery of the term"), ordering="recovery_tenths")
    def recovery(self, record: m.Grade) -> str:
        return format_grade(record.recovery_tenths, "") or "–"


@admin.register(m.RecoveryGrade)
class RecoveryGradeAdmin(GradeAdmin):
    list_display = ["enrolment", "offering", "grade"]
    list_filter = []


@admin.register(m.Exemption)
class ExemptionAdmin(OfOfferingAdmin):
    list_display = ["enrolment", "offering", "term", "reason"]


class PriorSubjectInline(ScopedInline):
    model = m.PriorSubject
    extra = 0


@admin.register(m.PriorYear)
class PriorYearAdmin(ScopedAdmin):
    list_display = ["student", "year", "grade_level", "school", "result"]
    list_select_related = ["student"]
    search_fields = student_search_fields("student__")
    autocomplete_fields = ["student"]
    inlines = [PriorSubjectInline]
    show_full_result_count = False


@admin.register(m.ClassSession)
class ClassSessionAdmin(ScopedAdmin):
    list_display = ["date", "school_class", "term"]
    list_select_related = ["school_class__school_year"]
    search_fields = ["date", "school_class__sort_key__name_words"]
    autocomplete_fields = ["school_class"]
    show_full_result_count = False


@admin.register(m.Absence)
class AbsenceAdmin(ScopedAdmin):
    list_display = ["enrolment", "session", "is_justified"]
    list_filter = ["is_justified"]
    list_select_related = ["enrolment__school_class__school_year", "session"]
    search_fields = student_search_fields("enrolment__student__")
    autocomplete_fields = ["enrolment", "session"]
    show_full_result_count = False
