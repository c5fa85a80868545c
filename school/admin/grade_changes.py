"""Django admin of the history of grades, and the reason field of forms that write it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school import record_access, write_context
from school.admin.base import OneNetworkForm, ReadOnlyAdmin
from school.models import Enrolment, GradeChange, Role, SchoolClass, Student, User
from school.models.grade_field import format_grade


def _visible_changes(viewer: User) -> Q:
    """Return the filter of changes; the records that they name may be deleted by now."""
    if viewer.role == Role.ADMINISTRATOR:
        students = record_access.visible_records(viewer, Student)
        return Q(student__in=students.order_by().values("pk"))
    if viewer.role == Role.GUARDIAN:
        enrolments = record_access.visible_records(viewer, Enrolment)
        return Q(enrolment__in=enrolments.order_by().values("pk"))
    classes = record_access.visible_records(viewer, SchoolClass)
    return Q(school_class__in=classes.order_by().values("pk"))


record_access.register(
    GradeChange,
    record_access.RecordAccess(_visible_changes, network_path="student.network_id"),
)


class ReasonForm(OneNetworkForm):
    """Form that asks why a record is changed."""

    change_reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=write_context.MAX_REASON_LENGTH,
        help_text=gettext_lazy("Why the grade changes; kept in its history."),
    )


class ReasonPage:
    """Part of a page that gives the reason of the form to the history."""

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        reason = form.cleaned_data.get("change_reason", "")
        with write_context.acting(reason=reason):
            super().save_model(request, obj, form, change)  # type: ignore[misc]


@admin.register(GradeChange)
class GradeChangeAdmin(ReadOnlyAdmin):
    list_display = [
        "at", "student", "school_class", "subject", "term_label", "old_grade", "new_grade",
        "who", "reason",
    ]  # fmt: skip
    fields = (
        "at", "action", "student", "school_class", "subject", "term_label", "old_grade",
        "new_grade", "who", "reason",
    )  # fmt: skip
    list_filter = ["action"]
    list_select_related = ["student", "school_class__school_year", "subject"]
    search_fields = [
        "student__sort_key__name_words", "student__civil_name_key__name_words",
        "student__registration", "username",
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("term"), ordering="term")
    def term_label(self, change: GradeChange) -> str:
        return _("recovery exam") if change.term is None else str(change.term)

    @admin.display(description=gettext_lazy("from"))
    def old_grade(self, change: GradeChange) -> str:
        if change.action == GradeChange.Action.ADDED:
            return _("no grade")
        return _format_grade(
            change.old_tenths, change.old_concept, change.old_recovery_tenths
        )

    @admin.display(description=gettext_lazy("to"))
    def new_grade(self, change: GradeChange) -> str:
        if change.action == GradeChange.Action.DELETED:
            return _("no grade")
        return _format_grade(
            change.new_tenths, change.new_concept, change.new_recovery_tenths
        )

    @admin.display(description=gettext_lazy("who"), ordering="username")
    def who(self, change: GradeChange) -> str:
        return change.username or _("nobody known (outside the admin)")


def _format_grade(tenths: int | None, concept: str, recovery: int | None) -> str:
    text = format_grade(tenths, concept) or _("missing")
    return text if recovery is None else f"{text} / {format_grade(recovery, '')}"
