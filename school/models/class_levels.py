"""Receivers that hold the key of a class's grade levels while several of them change."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Value
from django.db.models.functions import Cast, Concat
from django.db.models.signals import m2m_changed, pre_delete
from django.dispatch import receiver

from school.consistency.level_keys import HOLD
from school.models.classes import SchoolClass

_KEY = SchoolClass._meta.get_field("levels_key")


@receiver(m2m_changed, sender=SchoolClass.grade_levels.through)
def hold_or_release_key(
    instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: Any
) -> None:
    class_ids = [instance.pk]
    if reverse:
        stored = instance.classes.values_list("pk", flat=True)
        class_ids = list(stored if pk_set is None else pk_set)
    if action.startswith("pre_"):
        hold_keys(class_ids)
    elif not (reverse and pk_set is None):
        release_keys(class_ids)


@receiver(pre_delete, sender=SchoolClass)
def hold_key(instance: SchoolClass, **_: Any) -> None:
    hold_keys([instance.pk])


def hold_keys(class_ids: Iterable[int]) -> None:
    # The id makes the keys of several held classes differ.
    key = Concat(Value(HOLD), Cast("pk", _KEY))
    SchoolClass.objects.filter(pk__in=class_ids).update(levels_key=key)


def release_keys(class_ids: Iterable[int]) -> None:
    # A trigger replaces the empty key by the right one.
    SchoolClass.objects.filter(pk__in=class_ids).update(levels_key="")
