"""Base model of records that sort by name in Portuguese, alike on every database."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from school.collation import sort_key


class SortableByName(models.Model):
    name: Any
    sort_key = models.BinaryField(max_length=400, editable=False, default=b"")
    """Sort key of `sort_name()`, made by `school.collation.sort_key` and set by `save`."""

    class Meta:
        abstract = True

    def save(
        self, *, update_fields: Iterable[str] | None = None, **options: Any
    ) -> None:
        keys = self.name_keys()
        for field_name, key in keys.items():
            setattr(self, field_name, key)
        if update_fields is not None:
            update_fields = {*update_fields, *keys}
        super().save(update_fields=update_fields, **options)

    def sort_name(self) -> str:
        name: str = self.name
        return name

    def name_keys(self) -> dict[str, bytes]:
        """Return the keys of the names by field."""
        return {"sort_key": sort_key(self.sort_name())}
