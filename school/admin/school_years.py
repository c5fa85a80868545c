"""Django admin of school years: terms and rules, and actions that close and reopen years."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school import models as m
from school import write_context
from school.admin.base import ScopedAdmin
from school.admin.rules import YearRulesInline, is_open
from school.admin.year_dates import MovableYearMixin, SchoolYearForm, TermInline

YEAR_FIELDS = ("network", "year", "period", "starts_on", "ends_on", "is_closed")


class ReopenForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=write_context.MAX_REASON_LENGTH,
        widget=forms.Textarea({"rows": 3, "cols": 60}),
        help_text=gettext_lazy(
            "Kept with your name and the time. Do not name a student."
        ),
    )


@admin.action(
    description=gettext_lazy("Close the selected school years"), permissions=["change"]
)
def close_years(
    year_admin: "SchoolYearAdmin", request: HttpRequest, years: QuerySet[m.SchoolYear]
) -> None:
    with transaction.atomic():
        open_years = list(years.filter(is_closed=False))
        for year in open_years:
            year.is_closed = True
            year.save(update_fields=["is_closed"])
            year_admin.log_change(request, year, "Closed.")
    names = ", ".join(map(str, open_years)) or "–"
    text = _("Closed: {years}.").format(years=names)
    year_admin.message_user(request, text, messages.SUCCESS)


@admin.action(
    description=gettext_lazy("Reopen the selected school years"), permissions=["change"]
)
def reopen_years(
    year_admin: "SchoolYearAdmin", request: HttpRequest, years: QuerySet[m.SchoolYear]
) -> HttpResponse | None:
    """Ask for the reason, then reopen the years."""
    form = ReopenForm(request.POST if "reason" in request.POST else None)
    closed_years = list(years.filter(is_closed=True).select_related("network"))
    if form.is_valid():
        with transaction.atomic():
            for year in closed_years:
                year.reopen(form.cleaned_data["reason"])
                year_admin.log_change(request, year, "Reopened.")
    if form.is_valid() or not closed_years:
        names = ", ".join(map(str, closed_years)) or "–"
        text = _("Reopened: {years}.").format(years=names)
        year_admin.message_user(request, text, messages.SUCCESS)
        return None
    context = {
        **year_admin.admin_site.each_context(request),
        "title": _("Reopen school years"),
        "opts": year_admin.opts,
        "years": closed_years,
        "form": form,
        "checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/reopen_years.html", context)


@admin.register(m.SchoolYear)
class SchoolYearAdmin(MovableYearMixin, ScopedAdmin):
    form = SchoolYearForm
    list_display = ["year", "network", "period", "starts_on", "ends_on", "is_closed"]
    list_select_related = ["network"]
    search_fields = ["year"]
    list_filter = ["is_closed", "network"]
    inlines = [TermInline, YearRulesInline]
    actions = [close_years, reopen_years]
    fields = [*YEAR_FIELDS, "events"]

    def get_readonly_fields(
        self, request: HttpRequest, obj: m.SchoolYear | None = None
    ) -> list[str]:
        """Let the form close a year; reopening it needs the action, which asks why."""
        if is_open(obj):
            return ["events"]
        return [*YEAR_FIELDS, "events"]

    @admin.display(description=gettext_lazy("closing and reopening"))
    def events(self, year: m.SchoolYear) -> str:
        events = year.events.all() if year.pk else []
        lines = ((_describe_event(event),) for event in events)
        return format_html_join(mark_safe("<br>"), "{}", lines) or "–"  # noqa: S308

    def has_delete_permission(
        self, request: HttpRequest, obj: m.SchoolYear | None = None
    ) -> bool:
        """Allow deletion one by one and only while the year is open: its rules must stay."""
        is_allowed = super().has_delete_permission(request, obj)
        return is_allowed and obj is not None and is_open(obj)


def _describe_event(event: m.SchoolYearEvent) -> str:
    """Return a line such as: 30/11/2026 14:05, reopened, maria: a grade was missing."""
    at = localize(timezone.localtime(event.at))
    who = event.username or _("nobody known (outside the admin)")
    line = f"{at}, {event.get_kind_display()}, {who}"
    return f"{line}: {event.reason}" if event.reason else line
