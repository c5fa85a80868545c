"""Base serializer that refuses unknown members of a request body."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from tasks.json_pointer import escape_part


class StrictSerializer(serializers.Serializer[Any]):
    """Serializer that refuses unknown members and names each of them."""

    def to_internal_value(self, data: Any) -> Any:
        field_names = {
            name for name, field in self.fields.items() if not field.read_only
        }
        if isinstance(data, dict) and (unknown := data.keys() - field_names):
            error = ErrorDetail(_("There is no such member."), "unknown_field")
            raise ValidationError(
                {escape_part(name): [error] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)
