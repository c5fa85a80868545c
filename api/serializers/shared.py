"""Serializers that all requests of a process share."""

from functools import cache
from typing import Any

from rest_framework.serializers import Serializer


def represent(serializer_class: type[Serializer[Any]], record: Any) -> Any:
    """Return what the serializer makes of a record.

    A serializer copies all its fields before it is first used, which takes longer than to
    represent a record.
    """
    return _serializer(serializer_class).to_representation(record)


@cache
def _serializer(serializer_class: type[Serializer[Any]]) -> Serializer[Any]:
    return serializer_class()
