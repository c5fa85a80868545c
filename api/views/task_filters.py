"""Filters of the task list."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field as with_schema
from pydantic import TypeAdapter

from api.serializers.tasks import FORMATS
from api.views.directory_filters import WholeNumberFilter
from tasks.models import Task
from tasks.reporting.parameters import Id
from tasks.states import State
from tasks.status import lists

MAX_ID = 2**63 - 1


class UtcDateTimeField(django_filters.fields.IsoDateTimeField):
    """Date and time, converted to UTC; refuses those outside the years 1 to 9999 in UTC."""

    def to_python(self, value: Any) -> datetime | None:
        try:
            instant: datetime | None = super().to_python(value)
            return instant and instant.astimezone(UTC)
        except (OverflowError, ValueError):
            raise ValidationError(
                _("There is no such date and time."), "invalid"
            ) from None


class UtcDateTimeFilter(django_filters.IsoDateTimeFilter):
    field_class = UtcDateTimeField


class StateField(django_filters.fields.ChoiceField):
    """One state of the list; an empty one, as after a last comma, is refused."""

    def clean(self, value: Any) -> Any:
        if value in self.empty_values:
            raise ValidationError(self.error_messages["required"], "required")
        return super().clean(value)


class StatesFilter(django_filters.BaseInFilter, django_filters.ChoiceFilter):
    """Filter by one state or several, separated by commas."""

    field_class = StateField


class TaskFilter(django_filters.FilterSet):
    state = with_schema(
        {
            "type": "string",
            "enum": [state.value for state in State],
            "description": "One state or several, separated by commas.",
        }
    )(StatesFilter(choices=[(state.value, state.value) for state in State]))
    report = django_filters.CharFilter("kind", help_text="Only tasks of this kind.")
    format = with_schema(
        {
            "type": "string",
            "enum": FORMATS,
            "description": "Only tasks of this format.",
        }
    )(django_filters.ChoiceFilter(choices=[(name, name) for name in FORMATS]))
    class_id = with_schema(
        {
            **TypeAdapter(Id).json_schema(),
            "description": "Only tasks whose parameters name this class.",
        }
    )(WholeNumberFilter(method="filter_by_class", min_value=1, max_value=MAX_ID))
    created_after = UtcDateTimeFilter(
        "created_at", "gt", help_text="Only tasks requested after this time."
    )
    updated_after = UtcDateTimeFilter(
        "updated_at",
        "gt",
        help_text="Only tasks with a change after this time, as in `updated_at`.",
    )

    def filter_by_class(
        self, queryset: QuerySet[Task], _name: str, class_id: int
    ) -> Any:
        return queryset.filter(lists.names_class(class_id))
