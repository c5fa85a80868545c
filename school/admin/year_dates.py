"""Form and inline with which a school year and its terms are moved together."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _

from school.admin.base import OneNetworkForm, ScopedFormSet
from school.admin.rules import OpenYearInline
from school.consistency.messages import RECORDS_OUTSIDE_YEAR
from school.consistency.validation import find_rules_against_deletion
from school.models import SchoolYear, Term


class SchoolYearForm(OneNetworkForm):
    def clean(self) -> dict[str, Any] | None:
        # The terms are in the same form, with dates of their own.
        self.instance.rules_of_form = frozenset({"year_keeps_terms"})
        return super().clean()


class TermFormSet(ScopedFormSet):
    """Terms, compared with the dates that the year will have."""

    def _construct_form(self, i: int, **options: Any) -> Any:
        form = super()._construct_form(i, **options)  # type: ignore[misc]
        form.instance.rules_of_form = frozenset({"term_dates"})
        return form

    def clean(self) -> None:
        super().clean()
        year: SchoolYear = self.instance
        for form in self.forms:
            if form in self.deleted_forms:
                self._check_deletion(form)
                continue
            first, last = form.instance.starts_on, form.instance.ends_on
            if form.errors or None in (first, last, year.starts_on, year.ends_on):
                continue
            if first < year.starts_on or last > year.ends_on:
                field = "starts_on" if first < year.starts_on else "ends_on"
                form.add_error(field, _(RECORDS_OUTSIDE_YEAR))

    def _check_deletion(self, form: Any) -> None:
        for rule in find_rules_against_deletion(form.instance):
            text = f"{form.instance}: {_(rule.message)}"
            raise forms.ValidationError(text)


class TermInline(OpenYearInline):
    """Terms of a school year; read-only once the year is closed."""

    model = Term
    formset = TermFormSet
    extra = 0


class MovableYearMixin:
    """Part of the admin of school years: the year holds old and new terms while it is saved.

    It is closed last, because a closed year refuses its terms.
    """

    def save_model(
        self, request: HttpRequest, obj: SchoolYear, form: Any, change: bool
    ) -> None:
        chosen = obj.starts_on, obj.ends_on, obj.is_closed
        obj.is_closed = False
        if change:
            stored = SchoolYear.objects.get(pk=obj.pk)
            obj.is_closed = stored.is_closed
            obj.starts_on = min(obj.starts_on, stored.starts_on)
            obj.ends_on = max(obj.ends_on, stored.ends_on)
        super().save_model(request, obj, form, change)  # type: ignore[misc]
        obj.starts_on, obj.ends_on, obj.is_closed = chosen

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        form.instance.save(update_fields=["starts_on", "ends_on", "is_closed"])
