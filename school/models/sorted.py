"""Records with a name, which sort by it in Portuguese on every database alike."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from school.collation import sort_key


class SortableByName(models.Model):
    name: Any
    sort_key = models.BinaryField(max_length=400, editable=False, default=b"")
    """By which `sorted_by` sorts; kept by `save` and by `school.collation.sort_key`."""

    class Meta:
        abstract = True

    def save(
        self, *, update_fields: Iterable[str] | None = None, **options: Any
    ) -> None:
        self.sort_key = sort_key(self.sort_name())
        if update_fields is not None:
            update_fields = {*update_fields, "sort_key"}
        super().save(update_fields=update_fields, **options)

    def sort_name(self) -> str:
        name: str = self.name
        return name
