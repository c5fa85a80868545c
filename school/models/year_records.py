"""Base class of the records that decide the results of a school year."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _


class YearRecord(models.Model):
    """Record that cannot be added, changed or deleted while its school year is closed.

    Forms refuse it by `validate_constraints`, everything else by the triggers of
    `school.db.closed_years`.
    """

    year_path: ClassVar[str]
    """Lookup path to the school year."""
    result_fields: ClassVar[tuple[str, ...]]
    """Fields that decide results; the others may be changed in a closed year too."""

    class Meta:
        abstract = True

    @classmethod
    def closed_years_of(cls, pks: Collection[int]) -> list[Any]:
        """Return the closed years of the stored records with these ids."""
        year_ids = cls._base_manager.filter(pk__in=pks).values(cls.year_path)
        closed = cls._year_model()._base_manager.filter(is_closed=True)
        return list(closed.filter(pk__in=year_ids))

    @classmethod
    def _year_model(cls) -> Any:
        model: Any = cls
        for name in cls.year_path.split("__"):
            model = model._meta.get_field(name).remote_field.model
        return model

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        super().validate_constraints(exclude)
        if self._changes_results() and (year := self._find_closed_year()):
            message = _(
                "The school year {year} is closed. An administrator of the network can "
                "reopen it, with a reason."
            )
            raise ValidationError(message.format(year=year), code="year_closed")

    def _changes_results(self) -> bool:
        """Return whether the record is new, or differs from the stored one where it counts."""
        columns = [self._meta.get_field(name).attname for name in self.result_fields]  # type: ignore[union-attr]
        stored = type(self)._base_manager.filter(pk=self.pk).values(*columns).first()
        return bool(stored != {column: getattr(self, column) for column in columns})

    def _find_closed_year(self) -> Any:
        """Return the closed year of the stored or of the unsaved record; None if open."""
        first, _separator, rest = self.year_path.partition("__")
        field: Any = self._meta.get_field(first)
        parents = field.remote_field.model._base_manager.filter(
            pk=getattr(self, field.attname)
        )
        stored = type(self)._base_manager.filter(pk=self.pk)
        year_ids = {
            *parents.values_list(rest or "pk", flat=True),
            *stored.values_list(self.year_path, flat=True),
        }
        years = self._year_model()._base_manager.filter(pk__in=year_ids)
        return years.filter(is_closed=True).first()


def year_records() -> list[type[YearRecord]]:
    """Return the models of all records that decide the results of a school year."""
    return list(YearRecord.__subclasses__())
