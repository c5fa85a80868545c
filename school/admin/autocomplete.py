"""Autocomplete by POST, so that no searched name stands in a URL, among visible records."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from school import record_access


class _PostedMixin:
    """Part of a select widget that searches by POST, and caches no answer."""

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        attrs: dict[str, Any] = super().build_attrs(base_attrs, extra_attrs)  # type: ignore[misc]
        return {**attrs, "data-ajax--type": "POST", "data-ajax--cache": "false"}

    @property
    def media(self) -> forms.Media:
        media: forms.Media = super().media  # type: ignore[misc]
        return media + forms.Media(
            js=["admin/js/jquery.init.js", "school/csrf_header.js"]
        )


class PostedSelect(_PostedMixin, AutocompleteSelect):
    pass


class PostedSelectMultiple(_PostedMixin, AutocompleteSelectMultiple):
    pass


class PostedAutocompleteView(AutocompleteJsonView):
    """View that answers a posted search with the records that the field may take."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.GET = request.POST  # where Django's view reads the words and the page
        response: HttpResponse = self.get(request, *args, **kwargs)
        return response

    def get_queryset(self) -> QuerySet[Any]:
        choices = record_access.choices_for(self.request.user, self.source_field)  # type: ignore[arg-type]
        records: QuerySet[Any] = super().get_queryset()
        related = self.model_admin.get_list_select_related(self.request)
        if not isinstance(related, bool):  # the labels name related records
            records = records.select_related(*related)
        return records.filter(pk__in=choices.order_by().values("pk"))


def autocomplete(request: HttpRequest) -> HttpResponseBase:
    return PostedAutocompleteView.as_view(admin_site=admin.site)(request)
