"""Serializer and fields that accept nothing beyond what the contract says."""

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


class StrictIntegerField(serializers.IntegerField):
    """Field of an integer that refuses strings, which DRF's own converts."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """Field of a string that refuses numbers, which DRF's own converts."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)
