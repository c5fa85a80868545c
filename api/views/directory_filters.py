"""Filters of the lists of schools and classes."""

from typing import Any, cast

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field as with_schema
from pydantic import TypeAdapter
from rest_framework.request import Request

from school import access, directory
from school.db import name_search
from school.models import GradeLevel, School, SchoolClass, User
from school.records.calendar import year_filter
from tasks.reporting.parameters import Id, Year

MAX_SEARCH_LENGTH = 120


def _search_filter(description: str) -> Any:
    schema = {
        "type": "string",
        "maxLength": MAX_SEARCH_LENGTH,
        "description": description,
    }
    return with_schema(schema)(
        django_filters.CharFilter(method="search_by_name", max_length=MAX_SEARCH_LENGTH)
    )


def _json_schema(type: Any) -> dict[str, Any]:
    return TypeAdapter(type).json_schema()


class WholeNumberFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField


class RecordField(django_filters.fields.ModelChoiceField):
    """Field for the id of a record; other ids get the same answer as in a report's parameters."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except forms.ValidationError as error:
            text = self.error_messages["invalid_choice"]
            raise forms.ValidationError(text, "not_found") from error


class RecordFilter(django_filters.ModelChoiceFilter):
    field_class = RecordField


def _visible_schools(request: Request | None) -> QuerySet[School]:
    if request is None:  # while the schema is generated
        return School.objects.none()
    return access.visible_schools(cast(User, request.user))


def _visible_grade_levels(request: Request | None) -> QuerySet[GradeLevel]:
    if request is None:  # while the schema is generated
        return GradeLevel.objects.none()
    return access.visible_grade_levels(cast(User, request.user))


class SchoolFilter(django_filters.FilterSet):
    search = _search_filter("Beginnings of words of the name.")

    def search_by_name(self, queryset: QuerySet[School], _name: str, text: str) -> Any:
        return queryset.filter(name_search.name_filter("sort_key", text))


class ClassFilter(django_filters.FilterSet):
    search = _search_filter(
        "Beginnings of words of the names of class and school, and the number of the year, "
        "as in `label`."
    )
    school_id = with_schema(
        {**_json_schema(Id), "description": "Only classes of this school."}
    )(
        RecordFilter(
            field_name="school",
            queryset=_visible_schools,
            error_messages={"invalid_choice": _("There is no such school.")},
        )
    )
    year = with_schema(
        {
            **_json_schema(Year),
            "description": "Only school years of this number, or with days in this "
            "calendar year.",
        }
    )(WholeNumberFilter(method="filter_by_year", min_value=1900, max_value=2200))
    grade_level = with_schema(
        {
            **_json_schema(Id),
            "description": "Only classes with this level, by its `grade_level_id`.",
        }
    )(
        RecordFilter(
            field_name="grade_levels",
            queryset=_visible_grade_levels,
            error_messages={"invalid_choice": _("There is no such grade level.")},
        )
    )

    def search_by_name(
        self, queryset: QuerySet[SchoolClass], _name: str, text: str
    ) -> Any:
        return queryset.filter(directory.class_filter(text))

    def filter_by_year(
        self, queryset: QuerySet[SchoolClass], _name: str, year: int
    ) -> Any:
        return queryset.filter(year_filter(int(year), "school_year"))
